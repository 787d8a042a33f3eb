"""The pages of `docs/` match the code: each setting, command, mail, state and public page is listed there."""

import ast
import re
from importlib import metadata
from pathlib import Path

import pytest

import audit
import config
from commands import documents
from database import RuleError
from models import MAIL_KINDS
from tests import events
from tests import factories as make
from tests.conftest import LISTENER
from tests.visitor import Visitor
from workflow.stages import trajectories

DOCS = config.PROJECT / "docs"
LICENCES = {
    "MIT": r"\bMIT\b|Permission is hereby granted, free of charge",
    "BSD": r"\bBSD\b|Redistribution and use in source and binary forms",
    "ISC": r"\bISC\b",
    "Unlicense": r"\bUnlicense\b",
    "Apache": r"\bApache\b",
    "ZPL": r"\bZPL\b",
    "PSF": r"\bPSF\b",
    "MPL": r"\bMPL\b",
    "LGPL": r"\bLGPL\b",
}
"""name of a licence in the table → its name in the metadata of packages"""


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def rows(text: str) -> list[list[str]]:
    """The cells of all table rows on a page, without the header rows."""
    found = [
        re.split(r" \| ", line.strip().removeprefix("| ").removesuffix(" |"))
        for line in text.splitlines()
        if line[:2] == "| "
    ]
    return [[cell.strip() for cell in row] for row in found]


# ---- pages generated from the code


@pytest.mark.parametrize("name", documents.DOCUMENTS)
def test_a_page_that_is_made_from_the_code_is_up_to_date(app, name):
    with app.app_context():
        made = documents.documents()[name]
    assert read(f"{name}.md") == made, f"run: flask --app app describe {name} > docs/{name}.md"


@pytest.mark.parametrize("name", ["commands", "mails", "statuses", "routes"])
def test_no_line_of_a_page_that_is_made_from_the_code_is_empty(app, name):
    with app.app_context():
        made = documents.documents()[name]
    assert len(made.splitlines()) > 20
    assert [line for line in made.splitlines() if re.search(r"\| +\||^- `[^`]+`: *$", line)] == [], (
        "say what it is for: a docstring, a help text, or WHAT in commands/documents.py"
    )


def test_every_mail_command_and_public_page_has_a_line(app):
    """The generator of a page omits nothing; `test_rights.py` checks the same for docs/rights.md and every screen."""
    templates = {path.stem for path in (config.PROJECT / "templates" / "mails").glob("*.txt")}
    assert {row[0].strip("`") for row in rows(read("mails.md"))[2:]} == templates == set(MAIL_KINDS)

    headings = set(re.findall(r"^## (\S+)$", read("commands.md"), re.M))
    assert headings == set(app.cli.commands) - documents.NOT_OURS
    assert {"migrate", "clock", "describe", "version"} <= headings

    addresses = {row[0].strip("`") for row in rows(read("routes.md"))[2:]}
    public = {"pages", "registration", "take_over", "mailed_links", "eid", "account", "attest", "second_step"}
    routes = {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.partition(".")[0] in public}
    assert len(routes) > 40
    assert routes - addresses == set()


# ---- settings


def named_in_config() -> set[str]:
    """Every setting that `config.py` reads."""
    tree = ast.parse((config.PROJECT / "config.py").read_text(encoding="utf-8"))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in texts if re.fullmatch(r"KAVO_[A-Z0-9_]+", text)}


def settings_of_the_page() -> dict[str, bool]:
    """Setting → whether docs/settings.md says that production needs it."""
    return {
        name: row[1] == "yes"
        for row in rows(read("settings.md"))
        for name in re.findall(r"`(KAVO_[A-Z0-9_]+)`", row[0])
    }


def test_every_setting_has_its_line_and_every_line_its_setting():
    assert len(named_in_config()) > 20
    assert set(settings_of_the_page()) == named_in_config(), "write its row in docs/settings.md by hand"


def test_the_page_says_which_settings_production_needs():
    with pytest.raises(config.SettingsError) as refused:
        config.load({"KAVO_ENV": "production"})
    needed = set(re.findall(r"KAVO_[A-Z_]+", refused.value.message)) | {"KAVO_ENV"}
    assert {name for name, is_needed in settings_of_the_page().items() if is_needed} == needed - {"KAVO_ENV=production"}


def test_only_one_page_lists_the_settings():
    for path in DOCS.glob("*.md"):
        defined = [row[0] for row in rows(path.read_text("utf-8")) if re.match(r"`KAVO_", row[0])]
        assert bool(defined) == (path.name == "settings.md"), path.name


# ---- events of each act


def test_every_act_has_its_line_on_the_page_of_events():
    """Every test checks that the page is right (`conftest.promises`); `make test` also requires that a test showed each event."""
    page = read("events.md")
    changing, reading = set(events.read(page)), events.readers(page)
    assert changing & reading == set()
    assert changing | reading == events.names(), "run: make test; .venv/bin/python -m tests.events"
    written = {one for always, sometimes in events.read(page).values() for one in always | sometimes}
    assert {one for one in written if one.startswith("history ")} <= {f"history {verb}" for verb in audit.SENTENCES}
    assert {one for one in written if one.startswith("mail ")} <= {f"mail {kind}" for kind in MAIL_KINDS}
    assert len(written) > 80


def test_the_listener_hears_what_an_act_writes(now):
    team, run, act = make.user("team"), make.trajectory(), "stages.trajectories.stop"
    before = LISTENER.acts.get(act, events.Act()).wrote["history trajectory.stopped"]
    with pytest.raises(RuleError):
        trajectories.stop(run, team, now, reason="")
    assert LISTENER.acts.get(act, events.Act()).wrote["history trajectory.stopped"] == before, (
        "a refusal writes nothing"
    )
    trajectories.stop(run, team, now, reason="Ziek.")
    assert LISTENER.acts[act].wrote["history trajectory.stopped"] == before + 1


@pytest.mark.parametrize(
    "wrote, told",
    [
        ({"history a", "mail b"}, []),
        ({"history a"}, []),
        ({"history a", "mail c"}, ["x wrote 'mail c', which the page does not say"]),
        ({"mail b"}, ["x did not write 'history a', which the page says it always does"]),
    ],
)
def test_an_act_that_writes_an_undocumented_event_is_reported_once(wrote, told):
    listener, call = events.Listener(), events.Call("x")
    listener.promised = {"x": ({"history a"}, {"mail b"})}
    call.changed, call.wrote = True, wrote
    for _ in range(2):
        listener.done(call)
    assert listener.broken == told


def test_a_promise_that_no_test_shows_is_noticed():
    seen = {"x": events.Act(2, 2, {"history a": 2, "mail b": 1})}
    page = events.write(seen)
    assert events.read(page) == {"x": ({"history a"}, {"mail b"})}
    assert events.not_heard(seen, page) == []
    assert events.not_heard({"x": events.Act(1, 1, {"history a": 1})}, page) == ["x: no test saw 'mail b'"]
    assert events.not_heard({}, page) == ["x: no test let it change anything"]


# ---- releases


def test_the_changelog_begins_with_what_is_unreleased_and_then_this_release():
    headings = re.findall(r"^## (.+)$", (config.PROJECT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert headings[0] == "Unreleased"
    assert re.fullmatch(re.escape(config.VERSION) + r" - \d{4}-\d\d-\d\d", headings[1])


def test_a_command_tells_the_version(app):
    result = app.test_cli_runner().invoke(args=["version"])
    assert result.output.splitlines()[0] == f"Kadervormingstool {config.VERSION}"


@pytest.mark.parametrize("role, shown", [("team", True), ("manager", False), ("association", False), (None, False)])
def test_the_foot_of_a_page_tells_the_version_to_the_team_alone(app, role, shown):
    association = make.association() if role == "association" else None
    visitor = Visitor(app, make.user(role, association, password=make.PASSWORD) if role else None)
    visitor.get("/hulp")
    foot = visitor.page.select_one("footer").get_text()
    assert "Team Kadervorming" in foot
    assert (f"versie {config.VERSION}" in foot) == shown
    assert config.VERSION not in foot or shown


# ---- licences


def licences() -> dict[str, str]:
    """Package → the licence that docs/decisions.md says it has."""
    part = read("decisions.md").partition("The licence: EUPL-1.2")[2].partition("\n## ")[0]
    found = {}
    for licence, packages, _ in (row for row in rows(part) if len(row) == 3):
        for name in re.sub(r"\([^)]*\)", "", packages).split(","):
            found[name.strip().lower()] = licence
    return found


def pinned() -> set[str]:
    """The packages of requirements.txt."""
    text = (config.PROJECT / "requirements.txt").read_text("utf-8")
    return set(re.findall(r"^([a-z0-9-]+)(?:\[[^]]*\])?==", text, re.M))


def licence_texts(name: str) -> str:
    """The licence of an installed package, from its metadata or else from its licence file."""
    about = metadata.metadata(name)
    said = [about.get("License-Expression") or "", about.get("License") or "", *(about.get_all("Classifier") or [])]
    text = "\n".join(line for line in said if line and ("License ::" in line or "::" not in line))
    if text:
        return text
    files = [one for one in metadata.files(name) or () if "LICENSE" in Path(one).name.upper()]
    return "\n".join(one.locate().read_text("utf-8")[:800] for one in files)


def test_every_package_has_a_licence_that_fits_ours():
    assert (config.PROJECT / "LICENSE").read_text("utf-8").startswith("EUROPEAN UNION PUBLIC LICENCE v. 1.2\n")
    table = {name: licence for name, licence in licences().items() if name != "packages"}
    assert set(table) - {"---"} == pinned(), "add or remove it in the table of docs/decisions.md"
    for name in sorted(pinned() & {one.metadata["Name"].lower() for one in metadata.distributions()}):
        said = licence_texts(name)
        families = [family for family in LICENCES if family in table[name]]
        assert any(re.search(LICENCES[family], said) for family in families), (name, table[name], said[:100])
