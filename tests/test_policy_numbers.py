"""No text of a screen or mail holds a hand-written number of the policy: it takes the number from `policy` or the constant.

This reads every template and mail outside its tags, every Dutch sentence in the code outside its braces, and the sentences of
Flask-Security. A number there is allowed only when it is named below. Not detected: a number that code composes from words, and
a number in a picture."""

import ast
import re
from pathlib import Path

import pytest

from models import policy
from tables import sites, stages
from tests.test_conventions import modules
from workflow.accounts import activation

PROJECT = Path(__file__).parents[1]
COUNTS = "één|twee|drie|vier|vijf|zes|zeven|acht|negen|tien|elf|twaalf|veertien|dertig|vijftig|honderd|half|halve"
UNITS = "uur|uren|dag|dagen|week|weken|maand|maanden|jaar|minuut|minuten|kwartier|tekens|karakters|cijfers|keer"
NUMBER = re.compile(rf"(?<![\w/.-])\d+(?![\w/-])(?!\.\d)|\b(?:{COUNTS})\s+(?:{UNITS})\b|\bkwartier\b", re.I)

NOT_POLICY = (
    r"\d{6}-\d\d",  # a KAVO-ID
    r"0\d [\d ]{8,}|\b1700\b",  # telephone numbers
    r"\d\d?/\d\d?/\d{4}",  # a day as an example
    r"-18\b",  # in a label of the manual
    r"\b(?:één|twee) keer\b|\btwee dagen\b|\b(?:halve|half) (?:minuut|uur)\b",  # frequencies and idioms
    r"\b(?:4|6) cijfers\b|\b2 cijfers\b",  # the formats of a postcode, a KAVO-ID and a code
    r"ongeveer 10 minuten",  # how long a form takes
    r"dag 9 van|\b[1-9]\. (?=[A-Z])|Fout (?:413|503)|minstens 1 (?:uur|dag|cijfer|gepresteerd)|1 hoofdletter|Typ 0 tot",
    r"minstens 60 uur pedagogie|artikel \d+|8 augustus 1983",  # of a law
    r"hoogstens 5 jaar",  # typing errors, not a deadline
    r"0470[ \d]+|\+3[12][ \d]+|;20\.|Typ 2 keer",  # examples
)
HERE = re.compile("|".join(NOT_POLICY))
CODE = re.compile(
    r"<[a-z/?]|SELECT|PRAGMA|https?:|[<>]=|\) = \d|[a-z]+=\d|\(\?:|\\[bd]|[_a-z] > 0|KAVO_|\bTHEN\b|\bBETWEEN\b"
)
"""strings in the code that are not sentences"""
NO_READER = {"commands", "operations", "local", "database", "config", "migrations"}
TECHNICAL = {"exports", "duplicates", "app"}
"""packages and modules whose sentences no user reads, or that generate files"""


def numbers(text: str) -> list[str]:
    """The numbers in a text that are not named above, each with its context."""
    bare = HERE.sub(" ", text)
    return [bare[max(0, found.start() - 30) : found.end() + 15] for found in NUMBER.finditer(bare)]


def template(path: Path) -> str:
    """The readable text of a template, without its tags."""
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", path.read_text("utf-8"), flags=re.S)
    return re.sub(r"<[^>]*>", " ", text) if path.suffix == ".html" else text


def sentences(path: Path):
    """The texts in the code of a module, without docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)]
    explained = {id(one.value) for body in bodies for one in body if isinstance(one, ast.Expr)}
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and id(node) not in explained else None
        if isinstance(text, str) and " " in text and not CODE.search(text):
            yield text


def test_no_template_or_mail_writes_a_number_of_the_policy():
    paths = [one for kind in ("html", "txt") for one in (PROJECT / "templates").rglob(f"*.{kind}")]
    wrong = {str(one.relative_to(PROJECT)): found for one in paths if (found := numbers(template(one)))}
    assert not wrong


def test_no_sentence_in_the_code_writes_a_number_of_the_policy():
    paths = [path for room, path in modules() if room not in NO_READER]
    wrong = {
        str(path.relative_to(PROJECT)): found
        for path in paths
        if path.stem not in TECHNICAL and (found := [one for text in sentences(path) for one in numbers(text)])
    }
    assert not wrong


def test_no_sentence_of_flask_security_writes_a_number_of_the_policy():
    lines = (PROJECT / "translations/nl/LC_MESSAGES/flask_security.po").read_text("utf-8").splitlines()
    assert not [found for line in lines if line.startswith("msgstr") for found in numbers(line)]


@pytest.mark.parametrize(
    "text, found",
    [
        ("Een deelnemer doet 50 uur stage.", True),
        ("Binnen twee weken krijg je een e-mail.", True),
        ("Wacht een kwartier.", True),
        ("De link werkt 30 dagen.", True),
        ("Ben je 18 jaar?", True),
        ("Bel 02 553 69 73.", False),
        ("Typ twee keer hetzelfde.", False),
    ],
)
def test_a_hand_written_policy_number_is_detected(text, found):
    assert bool(numbers(text)) == found


def test_every_number_that_a_template_uses_is_registered(app):
    """A template prints nothing for a number that it was not given."""
    for path in (PROJECT / "templates").rglob("*.*"):
        for name in re.findall(r"policy\.(\w+)", path.read_text("utf-8")):
            assert getattr(policy, name), f"{path.name}: {name}"


def test_texts_follow_a_policy_that_changes(app, client, monkeypatch):
    """A number changed at its rule changes on the pages for visitors; the manual's sentence stays."""
    text = client.get("/veelgestelde-vragen").get_data(as_text=True) + client.get("/hulp").get_data(as_text=True)
    assert "innen twee weken" in text
    monkeypatch.setattr(sites, "APPROVAL_DAYS", 21)
    monkeypatch.setattr(stages, "STAGE_HOURS", 61)
    monkeypatch.setattr(activation, "ACTIVATION_DAYS", 33)
    text = client.get("/veelgestelde-vragen").get_data(as_text=True) + client.get("/hulp").get_data(as_text=True)
    assert "innen drie weken" in text
    assert "61 uur" in text
    assert "33 dagen" in text
    assert not re.search("innen twee weken|50 uur|30 dagen", text)
