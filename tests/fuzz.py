"""Requests that no browser sends, to every route as every role: wrong types, lengths, encodings, repeated keys, huge numbers,
wrong methods and content types, half of them with a valid token; and the forms of the pages, with fields corrupted, repeated or
left out. No response may be a 5xx or show a traceback.

    python -m tests.fuzz [REQUESTS [PROCESSES]]"""

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from urllib.parse import quote, urlencode

from bs4 import BeautifulSoup
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from werkzeug.datastructures import ImmutableMultiDict

import config
from database import connect_to, database
from tests.conftest import KEYS, with_quick_passwords
from tests.identity.eid.op import Op

PEOPLE = {
    "visitor": None,
    "manager": "jonas@kavo.test",
    "association": "vereniging@kavo.test",
    "team": "team@kavo.test",
}
WORD = "Kadervorming1"
METHODS = ["GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO"]
NASTY = [
    "",
    " ",
    "0",
    "-1",
    "1",
    "2",
    "3",
    "999999999",
    "2147483648",
    "9223372036854775808",
    "9" * 400,
    "1e309",
    "NaN",
    "Infinity",
    "-0",
    "0x10",
    "١٢٣",
    "1.5",
    "2,5",
    "true",
    "null",
    "None",
    "undefined",
    "[]",
    "{}",
    "%",
    "_",
    "%00",
    "\x00",
    "\r\nSet-Cookie: a=b",
    "'",
    '"',
    "';--",
    "1' OR '1'='1",
    "1; DROP TABLE user",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "${7*7}",
    "../../etc/passwd",
    "//evil.example",
    "http://[",
    "//[",
    "javascript:alert(1)",
    "\ud800",
    "\U0001f9ff" * 50,
    "é" * 300,
    "a" * 5000,
    "\u202e",
    "ﷺ",
    "İ",
    "ß",
    "\ufeff",
    "2026-02-30",
    "0000-00-00",
    "9999-12-31",
    "10000-01-01",
    "31/12/2026",
    "0001-01-01",
    "-5",
    "1:2",
    "approve:1",
    "erase:1",
    "1,2,3",
    "naam@voorbeeld.be",
    "@",
    "a@b",
    "125143-59",
    "100000-22",
    "=1+1",
    "csv",
    "xlsx",
    "programma",
    "name",
    "-name",
    "id",
    "search",
    "approved",
    "open",
    "positive",
    "animator",
    "y",
    "on",
    "Kadervorming2",
]
CONTENT_TYPES = [
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded; charset=utf-16",
    "text/xml",
    "",
    "application/json; charset=nonsense",
    "*/*",
    "a" * 300,
]
HEADERS = {
    "Accept": ["application/json", "*/*", "text/html;q=0", ";;;", "application/json, text/html"],
    "Accept-Language": ["nl", "en", "xx-YY", "*;q=9", ""],
    "Referer": [
        "http://localhost/stageplaatsen/",
        "http://evil.example/x",
        "/",
        "http://[",
        "%",
        "http://localhost/\x7f",
    ],
    "User-Agent": ["", "x" * 2000, "Mozilla/5.0 (Android) Chrome"],
    "Range": ["bytes=0-10", "bytes=-1", "bytes=x"],
    "If-None-Match": ["*", '"x"', "x"],
    "If-Modified-Since": ["x", "Thu, 01 Jan 1970 00:00:00 GMT"],
    "X-Forwarded-For": ["1.2.3.4", "x", "1.2.3.4, ::1"],
    "X-Forwarded-Host": ["evil.example"],
    "X-Requested-With": ["XMLHttpRequest"],
    "Transfer-Encoding": ["identity"],
    "Content-Length": ["-1", "x", "999999999999"],
    "Cookie": ["kavo=x", "kavo=" + "a" * 4000, "=;=;"],
}
LEARNED: dict[str, Counter] = {}
USUAL = {
    "pk": ["1", "2", "3", "5"],
    "kind": ["account", "deelnemer"],
    "export_type": ["csv", "xlsx", "programma"],
    "what": ["note", "ask", "reopen", "address"],
    "act": ["confirm", "drop", "undo"],
}
"""the values most common in URLs"""
AFRESH = 400  # requests after which the world is restored: by then much is erased, disabled and logged out


class Learning(ImmutableMultiDict):
    """The values sent; records the names under which a page reads them."""

    endpoint = ""

    def _note(self, key):
        if isinstance(key, str) and len(key) < 60:
            LEARNED.setdefault(Learning.endpoint, Counter())[key] += 1

    def get(self, key, *rest, **more):
        self._note(key)
        return super().get(key, *rest, **more)

    def getlist(self, key, *rest, **more):
        self._note(key)
        return super().getlist(key, *rest, **more)

    def __getitem__(self, key):
        self._note(key)
        return super().__getitem__(key)

    def __contains__(self, key):
        self._note(key)
        return super().__contains__(key)


class Fuzzer:
    """The application on a copy of the demo world, with a working eID provider, and the results of the requests."""

    def __init__(self, folder: Path, world: Path, provider: Op):
        from app import create_app

        self.folder, self.world = folder, world
        environ = {
            "KAVO_DATABASE_URL": f"sqlite:///{folder}/fuzz.db",
            "KAVO_QUEUE_URL": f"sqlite:///{folder}/queue.db",
            "KAVO_RATE_LIMITS": "off",
            **provider.settings(),
            **KEYS,
        }
        self.app = with_quick_passwords(create_app(config.load(environ)))
        self.app.request_class.parameter_storage_class = Learning
        self.app.request_class.dict_storage_class = Learning
        self.rules = [rule for rule in self.app.url_map.iter_rules() if rule.endpoint != "static"]
        self.app.before_request(self._where)
        self.statuses, self.wrong, self.sent, self.clients, self.forms = Counter(), {}, 0, {}, []

    def _where(self):
        from flask import request

        Learning.endpoint = request.endpoint or ""

    def afresh(self):
        """Restore the demo world, and log everybody in."""
        if not database.is_closed():
            database.close()
        database.close_all()
        for left in self.folder.glob("fuzz.db*"):
            left.unlink()
        shutil.copy(self.world, self.folder / "fuzz.db")
        connect_to(self.app.config["KAVO"].database_url)
        self.clients = {role: self._log_in(email) for role, email in PEOPLE.items()}

    def _log_in(self, email):
        client = self.app.test_client()
        token = _token(client.get("/aanmelden"))
        if email:
            client.post("/aanmelden", data={"email": email, "password": WORD, "csrf_token": token})
            token = _token(client.get("/mijn-gegevens"))
        return client, token

    def names(self, endpoint):
        return self.known.get(endpoint) or ["id", "q", "page"]

    def look_back(self):
        """Use the names recorded so far from now on; they stay the same within a run of Hypothesis."""
        self.known = {endpoint: [name for name, _ in found.most_common(60)] for endpoint, found in LEARNED.items()}

    def send(self, role, rule, method, arguments, query, body, kind, headers):
        """Send a request drawn by `requests`."""
        client, token = self._next(role)
        path = re.sub(
            r"<(?:\w+:)?(\w+)>", lambda found: quote(arguments[found[1]].encode("utf-8", "replace"), safe=""), rule.rule
        )
        if query:
            path += "?" + urlencode([(name, value.encode("utf-8", "replace")) for name, value in query])
        told = {
            "headers": {name: value.encode("latin-1", "replace").decode("latin-1") for name, value in headers.items()}
        }
        self._open(client, rule.endpoint, role, path, method=method, **told, **_body(body, kind, token))

    def send_form(self, role, path, fields):
        """Send a form drawn by `spoiled`."""
        client, token = self._next(role)
        body = (fields, True, b"", b"", "")
        self._open(client, path, role, path, method="POST", **_body(body, "form", token))

    def _next(self, role):
        if self.sent % AFRESH == 0:
            self.afresh()
        self.sent += 1
        return self.clients[role]

    def _open(self, client, name, role, path, **told):
        try:
            answer = client.open(path, **told)
        except (UnicodeError, ValueError) as error:  # the test client itself refuses to send this
            self.statuses[f"not sent: {type(error).__name__}"] += 1
            return
        text = answer.get_data(as_text=True) if answer.status_code >= 400 else ""
        self.statuses[answer.status_code] += 1
        if answer.status_code >= 500 or "Traceback" in text:
            self.wrong.setdefault((name, answer.status_code), (role, path[:300], str(told)[:600]))
        answer.close()


def _token(answer) -> str:
    found = BeautifulSoup(answer.data, "html.parser").find("input", {"name": "csrf_token"})
    return found["value"] if found else ""


def _body(body, kind, token) -> dict:
    """The body of a request: fields with a token, a file, or bytes of any type."""
    fields, with_token, file, raw, content_type = body
    if kind == "raw":
        return {"data": raw, "content_type": content_type}
    if kind == "json":
        return {"json": {**dict(fields), "csrf_token": token}}
    pairs = [(name, value.encode("utf-8", "replace").decode()) for name, value in fields]
    data = {}
    for name, value in [*pairs, *([("csrf_token", token), ("sure", "1")] if with_token else [])]:
        data.setdefault(name, []).append(value)
    if kind == "file":
        data["file"] = (io.BytesIO(file), "lijst.csv")
    return {"data": data}


values = st.one_of(
    st.sampled_from(NASTY),
    st.sampled_from(NASTY),
    st.integers(-(10**20), 10**20).map(str),
    st.dates().map(str),
    st.text(max_size=40),
)
files = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=300).map(lambda text: ("kavo_id;voornaam;naam;geboortedatum\n" + text).encode("utf-8", "replace")),
)


@st.composite
def requests(draw, fuzzer):
    """A role, a rule and a full request to it."""
    role, rule = draw(st.sampled_from(sorted(PEOPLE))), draw(st.sampled_from(fuzzer.rules))
    names = st.one_of(
        st.sampled_from(fuzzer.names(rule.endpoint)), st.sampled_from(fuzzer.names(rule.endpoint)), st.text(max_size=8)
    )
    pairs = st.lists(st.tuples(names, values), max_size=8)
    arguments = {
        name: draw(st.one_of(st.sampled_from(USUAL.get(name, ["x"])), st.sampled_from(USUAL.get(name, ["x"])), values))
        for name in rule.arguments
    }
    own = st.sampled_from(sorted(rule.methods - {"OPTIONS"}))
    method = draw(st.one_of(own, own, own, st.sampled_from(METHODS)))
    body = draw(st.tuples(pairs, st.booleans(), files, st.binary(max_size=200), st.sampled_from(CONTENT_TYPES)))
    kind = draw(st.sampled_from(["form", "form", "form", "file", "raw", "json"]))
    chosen = draw(st.lists(st.sampled_from(sorted(HEADERS)), max_size=2, unique=True))
    headers = {name: draw(st.sampled_from(HEADERS[name])) for name in chosen}
    return role, rule, method, arguments, draw(pairs), body, kind, headers


@st.composite
def spoiled(draw, fuzzer):
    """A form from a page, with some fields changed, repeated or left out; or without any other field."""
    role, path, fields = draw(st.sampled_from(fuzzer.forms))
    changed = draw(st.lists(st.sampled_from(sorted(fields)), min_size=1, max_size=4, unique=True))
    alone = draw(st.sampled_from([False, False, True]))
    pairs = [("form_key", draw(st.text(max_size=64)))]
    for name, offered in fields.items():
        if name in changed:
            pairs += [(name, value) for value in draw(st.lists(st.sampled_from(offered) | values, max_size=2))]
        elif not alone:
            pairs.append((name, offered[0]))
    return role, path, pairs


def make_world(folder: Path) -> Path:
    """The demo world in a file."""
    queue = {"KAVO_QUEUE_URL": f"sqlite:///{folder}/queue.db"}
    environ = {**os.environ, "KAVO_DATABASE_URL": f"sqlite:///{folder}/world.db", **queue, **KEYS}
    for word in ("migrate", "demo"):
        subprocess.run(
            [sys.executable, "-m", "flask", "--app", "app", word], env=environ, check=True, capture_output=True
        )
    return folder / "world.db"


def run(folder: Path, world: Path, number: int, chance: int) -> Fuzzer:
    """Send a number of requests; the same `chance` gives the same requests."""
    with Op() as provider:
        fuzzer = Fuzzer(folder, world, provider)
        _learn(fuzzer)
        left = number
        while left > 0:
            before = fuzzer.sent
            _send_many(fuzzer, min(left, 2000), chance + left)
            left -= max(fuzzer.sent - before, 1)
    database.close_all()
    return fuzzer


def _send_many(fuzzer, number, chance):
    """One run of Hypothesis."""
    fuzzer.look_back()

    @seed(chance)
    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(requests(fuzzer), spoiled(fuzzer)))
    def send(request):
        (fuzzer.send_form if len(request) == 3 else fuzzer.send)(*request)

    send()


def _learn(fuzzer):
    """Open every page and send every form once, to record the names that pages read; keep the forms."""
    fuzzer.afresh()
    seen = set()
    for role in sorted(PEOPLE):
        client, token = fuzzer.clients[role]
        for rule in fuzzer.rules:
            if rule.endpoint in ("security.logout", "account.sign_out_everywhere"):
                continue
            for number in ("1", "2", "3") if "POST" in rule.methods else ("1",):
                path = re.sub(r"<(?:\w+:)?\w+>", number, rule.rule)
                page = BeautifulSoup(client.get(path, query_string={"id": number}).data, "html.parser")
                for field in page.select("main [name]"):
                    LEARNED.setdefault(rule.endpoint, Counter())[field["name"]] += 1
                for form in page.select("main form[method=post]"):
                    action, fields = form.get("action") or f"{path}?id={number}", _fields(form)
                    if fields and (role, action) not in seen:
                        seen.add((role, action))
                        fuzzer.forms.append((role, action, fields))
            if "POST" in rule.methods:
                client.post(path, data={"csrf_token": token, "id": "1"})


def _fields(form) -> dict[str, list[str]]:
    """Name → the values that a form offers for it, the current one first."""
    fields = {}
    for one in form.select("input[name], textarea[name], select[name]"):
        if one["name"] in ("csrf_token", "form_key"):
            continue
        options = sorted(one.select("option"), key=lambda option: not option.has_attr("selected"))
        text = one.get_text() if one.name == "textarea" else one.get("value", "")
        fields.setdefault(one["name"], []).extend([option.get("value", "") for option in options] or [text])
    return fields


def main(number: int = 100_000, processes: int = 2):
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        world = make_world(Path(folder))
        share = number // processes
        running = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz", "part", str(share), str(1000 * part), str(world)],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            for part in range(processes)
        ]
        told = [process.communicate()[0] for process in running]
    for text in told:
        print(text)
    failed = any(process.returncode for process in running)
    print(
        f"{number} requests in {time.monotonic() - begun:.0f} s: {'some went wrong' if failed else 'no 5xx, no trace'}"
    )
    sys.exit(failed)


def part(number: int, chance: int, world: str):
    """The work of one process of `main`."""
    with tempfile.TemporaryDirectory() as folder:
        fuzzer = run(Path(folder), Path(world), number, chance)
    print(f"{fuzzer.sent} sent, {len(fuzzer.rules)} routes; by status: {dict(fuzzer.statuses.most_common())}")
    for (endpoint, status), example in fuzzer.wrong.items():
        print(f"WRONG {status} {endpoint}: {example}")
    sys.exit(bool(fuzzer.wrong))


if __name__ == "__main__":
    words = sys.argv[1:]
    if words[:1] == ["part"]:
        part(int(words[1]), int(words[2]), words[3])
    main(*map(int, words))
