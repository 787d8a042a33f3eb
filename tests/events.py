"""Records the lines of history and the mails that each act of `workflow/` writes while the tests run, and generates
docs/events.md.

`make test` stores the records in test-results/events; `python -m tests.events` then regenerates the page."""

import functools
import importlib
import inspect
import json
import os
import pkgutil
import re
import shutil
import sys
import threading
from collections import Counter
from pathlib import Path

import peewee

import audit
import config
import workflow
from mails import outbox
from workflow import clock
from workflow.deadlines import CATALOGUE

PAGE = config.PROJECT / "docs" / "events.md"
HEARD = config.PROJECT / "test-results" / "events"
FOLDER = "KAVO_TEST_EVENTS"
"""environment variable: the folder where each test process stores its records"""
CHECK = "KAVO_TEST_EVENTS_CHECK"
"""environment variable: fail a test in which an act writes something that the page does not name"""
CHANGE = re.compile(r"\s*(INSERT|UPDATE|DELETE)\b", re.I)
HISTORY, MAIL = "history", "mail"
OURS = {path.stem for path in config.PROJECT.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
"""the names of our own modules and packages"""
READ_ONLY = "Acts that change nothing"
SHARED = {"workflow.deadlines.shared"}
"""modules without acts: they hold the parts of acts"""


class Act:
    """The record of one act: its number of calls, how many changed something, and how many of those wrote each event."""

    def __init__(self, calls=0, changed=0, wrote=()):
        self.calls, self.changed, self.wrote = calls, changed, Counter(wrote)

    def always(self) -> set[str]:
        return {one for one, times in self.wrote.items() if times == self.changed}

    def sometimes(self) -> set[str]:
        return set(self.wrote) - self.always()

    def add(self, other: "Act"):
        self.calls, self.changed = self.calls + other.calls, self.changed + other.changed
        self.wrote.update(other.wrote)


class Call:
    """A call in progress."""

    def __init__(self, name):
        self.name, self.changed, self.wrote = name, False, set()


class Listener:
    """Listens to all acts of this process. `broken`: the contradictions with the page, each once."""

    def __init__(self):
        self.acts: dict[str, Act] = {}
        self.promised = read(PAGE.read_text("utf-8")) if PAGE.exists() and CHECK in os.environ else None
        self.broken, self.told = [], set()
        self._own = threading.local()

    # ---- listening

    def begin(self):
        """Wrap each public function of `workflow/`, the deadline rules, the history, the mails and the database."""
        around = {function: self._around(name, function) for name, _, function in public_functions()}
        for module in [one for name, one in sys.modules.items() if name.partition(".")[0] in OURS]:
            for name, value in list(vars(module).items()):
                if inspect.isfunction(value) and value in around:
                    setattr(module, name, around[value])
        for name, chore in clock.CHORES.items():
            clock.CHORES[name] = getattr(importlib.import_module(chore.__module__), chore.__name__)
        for point in CATALOGUE:
            object.__setattr__(point, "treat", self._around(f"clock: {point.key}", point.treat))
        audit.record, audit.erase = self._noting(audit.record), self._noting(audit.erase)
        outbox.written.connect(self._mail, weak=False)
        execute = peewee.Database.execute_sql

        @functools.wraps(execute)
        def execute_sql(database, sql, *args, **kwargs):
            if self._calls() and CHANGE.match(str(sql)):
                for call in self._calls():
                    call.changed = True
            return execute(database, sql, *args, **kwargs)

        peewee.Database.execute_sql = execute_sql

    def _mail(self, mail, at_once=False):
        """A mail was written; `at_once`: an earlier mail is released without further delay."""
        if not at_once:
            self._note(f"{MAIL} {mail.kind}")

    def _calls(self) -> list[Call]:
        """The calls in progress in this thread, outermost first."""
        return self._own.__dict__.setdefault("calls", [])

    def _around(self, name, function):
        @functools.wraps(function)
        def listening(*args, **kwargs):
            call = Call(name)
            self._calls().append(call)
            try:
                result = function(*args, **kwargs)
            finally:
                self._calls().pop()
            self.done(call)  # a refused call wrote nothing
            return result

        return listening

    def _noting(self, function):
        @functools.wraps(function)
        def noting(by, verb, *args, **kwargs):
            return self._after(function(by, verb, *args, **kwargs), f"{HISTORY} {verb}")

        @functools.wraps(function)
        def erasing(ids, by, verb, *args, **kwargs):
            return self._after(function(ids, by, verb, *args, **kwargs), f"{HISTORY} {verb}")

        return noting if "ids" not in inspect.signature(function).parameters else erasing

    def _after(self, result, what):
        self._note(what)
        return result

    def _note(self, what):
        for call in self._calls():
            call.wrote.add(what)

    def done(self, call: Call):
        """A call ended without a refusal."""
        act = self.acts.setdefault(call.name, Act())
        act.add(Act(1, int(call.changed), call.wrote if call.changed else ()))
        if self.promised is not None and call.changed:
            self._compare(call)

    def _compare(self, call):
        always, sometimes = self.promised.get(call.name, (set(), set()))
        found = [
            f"{call.name} wrote '{one}', which the page does not say" for one in sorted(call.wrote - always - sometimes)
        ]
        found += [
            f"{call.name} did not write '{one}', which the page says it always does"
            for one in sorted(always - call.wrote)
        ]
        if call.name not in self.promised:
            found.append(f"{call.name} changed something and has no line")
        self.broken += [one for one in found if one not in self.told]
        self.told.update(found)

    # ---- storing

    def leave(self, folder: Path):
        """Store the records in a file of this process."""
        folder.mkdir(parents=True, exist_ok=True)
        heard = {name: [act.calls, act.changed, act.wrote] for name, act in self.acts.items()}
        (folder / f"{os.getpid()}.json").write_text(json.dumps(heard), "utf-8")


def public_functions():
    """(name as on the page, module, function) of every public function of `workflow/`."""
    for found in pkgutil.walk_packages(workflow.__path__, "workflow."):
        module = importlib.import_module(found.name)
        for name, function in sorted(vars(module).items()) if found.name not in SHARED else ():
            if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_"):
                yield f"{found.name.removeprefix('workflow.')}.{name}", module, function


def names() -> set[str]:
    """Everything listed on the page: public functions and deadline rules."""
    return {name for name, _, _ in public_functions()} | {f"clock: {point.key}" for point in CATALOGUE}


# ---- the page


def heard(folder: Path) -> dict[str, Act]:
    """The merged records of all processes."""
    acts: dict[str, Act] = {}
    for path in sorted(folder.glob("*.json")):
        for name, values in json.loads(path.read_text("utf-8")).items():
            acts.setdefault(name, Act()).add(Act(*values))
    return acts


def write(acts: dict[str, Act]) -> str:
    """The page: acts by module, with the events that they always or sometimes write."""
    lines = [
        "# Events",
        "",
        "The lines of history and the mails that each act of `workflow/` writes. Made by running the tests:",
        "`make test`, then `.venv/bin/python -m tests.events`.",
        "With `KAVO_TEST_EVENTS_CHECK=1` a test fails in which an act writes something else than its line says.",
        "",
        "**Always**: whenever the act changes anything. **Sometimes**: in some cases, such as when an address is known.",
        "What an act lets another act do counts as its own. `–`: it changes rows, and writes neither.",
    ]
    room = None
    for name in sorted((name for name, act in acts.items() if act.changed), key=lambda name: (_room(name), name)):
        if _room(name) != room:
            room = _room(name)
            lines += ["", f"## {room}", "", _row("Act", "History, always", "sometimes", "Mails, always", "sometimes")]
            lines.append(_row(*["---"] * 5))
        act = acts[name]
        cells = [_cell(found, kind) for kind in (HISTORY, MAIL) for found in (act.always(), act.sometimes())]
        lines.append(_row(f"`{name}`", *cells))
    readers = sorted(name for name in names() if name in acts and not acts[name].changed)
    lines += ["", f"## {READ_ONLY}", "", "They only read, or work out something.", ""]
    lines += [f"- `{name}`" for name in readers]
    return "\n".join(lines) + "\n"


def _room(name: str) -> str:
    """The heading of an act."""
    return "clock, what falls due" if name.startswith("clock: ") else name.rpartition(".")[0]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(found: set[str], kind: str) -> str:
    return ", ".join(f"`{one.partition(' ')[2]}`" for one in sorted(found) if one.startswith(f"{kind} ")) or "–"


def read(page: str) -> dict[str, tuple[set[str], set[str]]]:
    """Name of an act that changes something → the events that it always writes, and those that it sometimes writes."""
    found = {}
    for line in page.splitlines():
        if line.startswith("| `"):
            name, *cells = [set(re.findall(r"`([^`]+)`", cell)) for cell in line.strip("| ").split(" | ")]
            always = {f"{kind} {one}" for kind, cell in zip((HISTORY, MAIL), cells[::2], strict=True) for one in cell}
            sometimes = {
                f"{kind} {one}" for kind, cell in zip((HISTORY, MAIL), cells[1::2], strict=True) for one in cell
            }
            found[name.pop()] = always, sometimes
    return found


def readers(page: str) -> set[str]:
    """The acts that change nothing according to the page."""
    return set(re.findall(r"^- `([^`]+)`$", page.partition(f"## {READ_ONLY}")[2], re.M))


def not_heard(acts: dict[str, Act], page: str) -> list[str]:
    """The events on the page that no test showed."""
    found = []
    for name, (always, sometimes) in read(page).items():
        if name not in acts or not acts[name].changed:
            found.append(f"{name}: no test let it change anything")
        else:
            found += [f"{name}: no test saw '{one}'" for one in sorted((always | sometimes) - set(acts[name].wrote))]
    return found


def main():
    """Write the page from the records of the last `make test`; returns exit code 1 when an act was never called."""
    acts = heard(HEARD)
    never = sorted(names() - set(acts))
    if not acts or never:
        print(f"Never called: {', '.join(never)}" if acts else "Nothing was heard: run `make test` first.")
        return 1
    PAGE.write_text(write(acts), "utf-8")
    return 0


def clear():
    """Delete the records of earlier runs."""
    shutil.rmtree(HEARD, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
