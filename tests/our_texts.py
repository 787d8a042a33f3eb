"""Every Dutch text of the product, read from its source, so that sentences that no test page shows are checked too.

These are: the texts of templates, with each branch of each `{% if %}` and each choice in a `{{ }}` taken at least once; the texts
and subjects of mails; Dutch literals in our code (see `is_dutch`); the translations of Flask-Security; the texts of our script;
the attest. A value to fill in counts as two words, like most names; a moment as four."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from html import unescape
from pathlib import Path
from typing import NamedTuple

from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

from workflow import sentences

PROJECT = Path(__file__).parents[1]
HOLE, MOMENT = "Xx\u00b7Xx", "Xx om Xx uur"
"""placeholders for values"""
MOST_BRANCHES = 12  # maximum number of texts from one literal in our code
LEAST_WAYS, MOST_WAYS = 8, 100  # number of renderings of a template, to see each of its branches
WITHIN = {"a", "abbr", "b", "code", "em", "i", "span", "strong", "time", "u"}
"""elements within a sentence; every other element starts a separate text"""
ELEMENT = re.compile(r"</?([a-z][a-z0-9]*)\b([^>]*)>")
ASIDE = re.compile(r'class="[^"]*\b(?:btn|visually-hidden|state|count)\b')
TOLD = re.compile(r'\s(?:aria-label|alt|title|placeholder|data-label)="([^"]*)"')
DUTCH = re.compile(
    r"\b(de|het|een|je|jij|jouw|we|ze|en|of|niet|geen|nog|wordt|werd|kan|kun|voor|naar|bij|als|dan|dat|dit|er|met|tot|van|wie|wat|"
    r"wil|zijn|kies|typ|deze|op|uur|na|nu|om|vanaf|zodra|staat)\b",
    re.I,
)
ENGLISH = re.compile(r"\b(the|a|an|and|is not|has|are|this|that|with|from|must|for|to|was already)\b")
SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE|CHECK|WHERE|IN \()|[=<>]{1,2} '|^\s*%\(|\bIS (NOT )?NULL\b")
END = re.compile(r"(?<=[.?!…])[’”)]?\s+(?=[‘“(]?[A-ZÀ-Þ0-9{])")


class Text(NamedTuple):
    """`place`: the file, and line where known; `kind`: screen, mail, code, script or translation."""

    place: str
    kind: str
    text: str

    @property
    def sentences(self) -> list[str]:
        return [one.strip() for one in END.split(self.text) if one.strip()]


def words(sentence: str) -> int:
    """The number of words in a sentence: parts between spaces that hold a letter or digit. The name of a button or screen between
    ‘ and ’ counts by its words too, although people read it at a glance."""
    return sum(any(char.isalnum() for char in word) for word in sentence.replace(HOLE, "Xx Xx").split())


def is_dutch(text: str) -> bool:
    """Whether a literal in the code is a text for users: two words or more, at least one common Dutch word, not SQL."""
    plain = text.replace(HOLE, " ")
    if SQL.search(text) or "\\" in text or "\n\n" in text or len(plain.split()) < 2:
        return False
    return bool(DUTCH.search(plain)) and len(ENGLISH.findall(plain)) <= len(DUTCH.findall(plain)) / 3


# ---- templates


class _Reader:
    """Reads a template several times; on each reading every choice takes its next branch."""

    def __init__(self, source: str):
        self.tree = Environment(extensions=["jinja2.ext.do"], autoescape=True).parse(source)
        self.unread = {id(one) for one in self.tree.find_all(nodes.TemplateData)}
        self.turns = Counter()
        imported = (name for one in self.tree.find_all(nodes.FromImport) for name in one.names)
        self.macros = {name if isinstance(name, str) else name[1] for name in imported}
        """the macros of `templates/parts` that it prints with"""

    def ways(self) -> Iterator[str]:
        """Yield different readings of the template until each piece of text was read, then the texts in `{% set %}`."""
        given = set()
        for count in range(MOST_WAYS):
            text = self._all(self.tree.body)
            if text not in given:
                given.add(text)
                yield text
            if count >= LEAST_WAYS and not self.unread:
                break
        else:
            raise AssertionError(f"not every branch was read: {given}")
        for one in self.tree.find_all(nodes.Assign):
            constants = [one.node] if isinstance(one.node, nodes.Const) else one.node.find_all(nodes.Const)
            yield from (
                f"<p>{text.value}</p>" for text in constants if isinstance(text.value, str) and is_dutch(text.value)
            )

    def _all(self, parts) -> str:
        return "".join(map(self._read, parts))

    def _next(self, node, branches: list):
        self.turns[id(node)] += 1
        return branches[(self.turns[id(node)] - 1) % len(branches)]

    def _read(self, node) -> str:
        if isinstance(node, nodes.TemplateData):
            self.unread.discard(id(node))
            return node.data
        if isinstance(node, nodes.Output | nodes.Concat):
            return self._all(node.nodes)
        if isinstance(node, nodes.Const):
            return str(node.value) if type(node.value) in (str, int) else ""
        if isinstance(node, nodes.CondExpr):
            branch = self._next(node, [node.expr1, node.expr2])
            return self._read(branch) if branch is not None else ""
        if isinstance(node, nodes.Filter) and node.name in ("counted", "form_of"):
            words = self._read(self._next(node, node.args))
            return f"{HOLE} {words}" if node.name == "counted" else words
        if isinstance(node, nodes.Filter) and node.name == "moment":
            return MOMENT
        if isinstance(node, nodes.If):
            return self._all(self._next(node, [node.body, *(one.body for one in node.elif_), node.else_]))
        if isinstance(node, nodes.For):
            return self._all(self._next(node, [node.body, node.else_ or node.body]))
        if isinstance(node, nodes.CallBlock):
            return f"{self._call(node.call)}\n{self._all(node.body)}\n"
        if isinstance(node, nodes.Call):
            return self._call(node)
        if isinstance(node, nodes.Macro | nodes.Block):
            return self._all(node.body)
        return HOLE if isinstance(node, nodes.Expr) else ""

    def _call(self, node) -> str:
        """A called macro puts its arguments in separate elements; `url_for` and the like are placeholders."""
        if getattr(node.node, "name", "") in ("url_for", "super", "csrf_token"):
            return HOLE
        told = [one.value for one in node.find_all(nodes.Const) if isinstance(one.value, str) and " " in one.value]
        is_macro = getattr(node.node, "name", "") in self.macros
        return "".join(f"<p>{one}</p>" for one in told) or ("<hr>" if is_macro else HOLE)


def blocks(html: str) -> Iterator[str]:
    """The texts of a page as a reader sees them, without the elements within a sentence. It uses patterns instead of a parser,
    since tests read hundreds of pages; our attributes hold no `>`."""
    html = re.sub(r"<!--.*?-->|<(script|style)\b.*?</\1>|<!doctype[^>]*>", "", html, flags=re.S | re.I)
    yield from map(unescape, TOLD.findall(html))
    plain = ELEMENT.sub(lambda found: "" if found[1] in WITHIN and not ASIDE.search(found[2]) else "\0", html)
    yield from unescape(plain).replace("\u00ad", "").split("\0")


def _clean(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _templates() -> Iterator[Text]:
    for path in sorted((PROJECT / "templates").rglob("*.html")):
        place = str(path.relative_to(PROJECT))
        for html in _Reader(path.read_text("utf-8")).ways():
            for block in blocks(html):
                yield Text(place, "screen", _clean(block))


def _mails() -> Iterator[Text]:
    for path in sorted((PROJECT / "templates" / "mails").glob("*.txt")):
        place = str(path.relative_to(PROJECT))
        for mail in _Reader(path.read_text("utf-8")).ways():
            for line in mail.splitlines():
                yield Text(place, "mail", _clean(line.removeprefix("- ")))


# ---- code


def _choices(node) -> list[str]:
    """The possible texts of an f-string or literal."""
    if isinstance(node, ast.Constant):
        return [sentences.PLACES.sub(HOLE, node.value)] if isinstance(node.value, str) else []
    found = [""]
    for part in node.values:
        if isinstance(part, ast.Constant):
            options = [part.value]
        else:
            inside = [one for one in ast.walk(part.value) if isinstance(one, ast.IfExp)]
            options = [
                branch.value
                for one in inside
                for branch in (one.body, one.orelse)
                if isinstance(branch, ast.Constant) and isinstance(branch.value, str)
            ] or [MOMENT if ast.unparse(part.value).startswith("dutch.moment(") else HOLE]
        found = [f"{start}{end}" for start in found for end in options[:3]][:MOST_BRANCHES]
    return found


def _literals(tree) -> Iterator[tuple[int, str]]:
    """(line, text) of each literal that is neither documentation nor part of an f-string."""
    skipped = {
        id(part)
        for one in ast.walk(tree)
        if isinstance(one, ast.JoinedStr)
        for part in ast.walk(one)
        if part is not one
    }
    skipped |= {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
    for one in ast.walk(tree):
        is_text = isinstance(one, ast.JoinedStr) or (isinstance(one, ast.Constant) and isinstance(one.value, str))
        if is_text and id(one) not in skipped:
            yield from ((one.lineno, text) for text in _choices(one))


def _code() -> Iterator[Text]:
    for pattern in sentences.WHERE:
        for path in sorted(PROJECT.glob(pattern)):
            if path.name == "config.py":  # for the operators of the server, in English
                continue
            for line, text in _literals(ast.parse(path.read_text("utf-8"))):
                for part in text.split("\n"):
                    if is_dutch(part):
                        yield Text(f"{path.relative_to(PROJECT)}:{line}", "code", _clean(part.removeprefix("- ")))


def _translations() -> Iterator[Text]:
    path = PROJECT / "translations" / "nl" / "LC_MESSAGES" / "flask_security.po"
    with path.open("rb") as file:
        for one in read_po(file, locale="nl"):
            if one.id and isinstance(one.string, str):
                text = re.sub(r"<[^>]*>", "", sentences.PLACES.sub(HOLE, one.string))
                yield Text(f"flask_security.po: {one.id[:60]}", "translation", _clean(text))


def _others() -> Iterator[Text]:
    for path in sorted((PROJECT / "static").glob("*.js")):
        for found in re.findall(r'"((?:[^"\\\n]|\\.)*)"|`([^`]*)`', path.read_text("utf-8")):
            text = _clean(re.sub(r"\$\{[^}]*\}", HOLE, found[0] or found[1]))
            if is_dutch(text):
                yield Text(str(path.relative_to(PROJECT)), "script", text)
    attest = (PROJECT / "templates" / "attest.typ").read_text("utf-8")
    for line in attest.splitlines():
        text = re.sub(r"#\w+(?:\.\w+)*(?:\([^()]*\))*(?:\[[^]]*\])?", HOLE, line)
        if not line.startswith(("#let", "#set", "#show", "#v", "#line", "//")) and is_dutch(text):
            yield Text("templates/attest.typ", "screen", _clean(text.removeprefix("= ")))


@cache
def every() -> tuple[Text, ...]:
    """All Dutch texts, each once per file."""
    found = {}
    for source in (_templates, _mails, _code, _translations, _others):
        for one in source():
            if any(char.isalpha() for char in one.text.replace(HOLE, "")):
                found.setdefault((one.place.partition(":")[0], one.text), one)
    return tuple(found.values())
