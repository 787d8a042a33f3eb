"""Requirements of OWASP's ASVS that no other test shows (docs/security.md names a test for each), and that its list is right."""

import ast
import itertools
import json
import re
import subprocess
import sys
import tomllib
from datetime import date, timedelta

import pytest
from bs4 import BeautifulSoup

import config
from app import create_app
from database import Conflict, database
from models import Association, History, Mail, Participant, Placement, Site, Token, User, UserSession
from tests import factories as make
from tests.admin_kit.test_rights import ARGUMENTS
from tests.test_conventions import modules
from tests.visitor import Visitor
from times import utcnow
from workflow import limits

PROJECT = config.PROJECT
SCRIPT = "<script>alert(1)</script>"
SIDE = '"><img src=x onerror=alert(1)>'


@pytest.fixture
def team(app):
    return Visitor(app, make.user("team", password=make.PASSWORD))


# ---- output encoding


@pytest.mark.parametrize("evil", [SCRIPT, SIDE])
def test_what_people_typed_is_text_on_every_page(app, team, evil):
    """In every text column, bypassing all our rules."""
    site = make.site(manager=make.user())
    stage = make.evaluated(make.placement(site=site))
    make.mail()
    columns = {
        Site: ("name", "street", "municipality", "reason", "email", "phone"),
        User: ("first_name", "last_name", "phone"),
        Participant: ("first_name", "last_name"),
        Association: ("name", "email", "phone"),
        Placement: ("reason",),
        Mail: ("subject", "body", "to_address", "error"),
    }
    for model, names in columns.items():
        for name, row in itertools.product(names, model.select()):
            model.update({name: evil[: getattr(getattr(model, name), "max_length", 99)]}).where(
                model.id == row.id
            ).execute()
    History.insert(
        at=make.NOW,
        verb="list.exported",
        object_type="",
        object_id="",
        digest="",
        salt="x",
        payload=json.dumps({"who": evil, "name": evil, "rows": evil, "filter": evil}),
    ).execute()
    seen = 0
    for rule in app.url_map.iter_rules():
        if "GET" in rule.methods and not rule.endpoint.endswith(
            ("static", "lookup", "export", "postcodes", "data", "file", "attest")
        ):
            path = rule.build({**ARGUMENTS, "pk": stage.site_id}, append_unknown=False)[1]
            page = BeautifulSoup(team.client.get(path, query_string={"id": 1, "q": evil}).data, "html.parser")
            seen += "alert(1)" in page.get_text()
            assert [one for one in page.find_all("script") if not one.get("src")] == [], path
            assert page.find("img", src="x") is None, path
            assert not [one for one in page.find_all(True) if any(name.startswith("on") for name in one.attrs)], path
    assert seen > 10


def test_the_code_runs_no_text_and_reads_no_pickle():
    wrong = {"eval", "exec", "compile", "render_template_string", "pickle", "marshal", "shelve", "yaml"}
    for _, path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in wrong, path
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {one.name for one in node.names} | {getattr(node, "module", None)}
                assert not names & wrong, path


def test_randomness_for_security_comes_from_secrets():
    """`random` is allowed for fictitious people only."""
    using = {path.stem for _, path in modules() if re.search(r"^(from|import) random\b", path.read_text("utf-8"), re.M)}
    assert using <= {"crowd", "demo"}


# ---- mass assignment


def test_a_form_changes_its_own_fields_alone(app, team):
    """Every column of a row is sent along with its form; columns that are not on the form stay unchanged."""
    make.evaluated(make.placement(site=make.site(manager=make.user())))
    views = [view for view in app.extensions["admin"][0]._views if getattr(view, "model", None) and view.can_edit]
    assert len(views) > 4
    for view in views:
        row = view.model.select().order_by(view.model._meta.primary_key).first()
        before = {name: row.__data__[name] for name in view.model._meta.fields}
        team.get(f"{view.url}/edit/?id={row.pk}")
        form = team.page.select_one("main form[method=post]")
        if form is None:  # this row cannot be changed
            continue
        shown = {one["name"] for one in form.select("[name]")}
        team.send(form, **dict.fromkeys(set(before) - shown - {"id"}, "7"))
        after = view.model.get_by_id(row.pk).__data__
        changed = {name for name in before if before[name] != after[name]}
        assert changed - shown <= {"version", "search"}, (view.endpoint, changed - shown)


# ---- headers, hosts, IP addresses


@pytest.fixture
def production(settings, tmp_path):
    """The application with the settings of production, on the database of this test."""
    environ = {
        "KAVO_ENV": "production",
        "KAVO_DATABASE_URL": settings.database_url,
        "KAVO_QUEUE_URL": f"sqlite:///{tmp_path}/q.db",
        "KAVO_SMTP_URL": "smtps://mail.example:465",
        "KAVO_MAIL_FROM": "kavo@example.be",
        "KAVO_TEAM_MAIL": "team@example.be",
        "KAVO_BASE_URL": "https://kavo.example",
        "KAVO_SECRET_KEY": "p" * 40,
        "KAVO_LOOKUP_KEY": "q" * 40,
        "KAVO_EID_ISSUER": "https://eid.example",
        "KAVO_EID_CLIENT_ID": "x",
        "KAVO_EID_CLIENT_SECRET": "y",
    }
    database.close()
    made = create_app(config.load(environ))
    database.connect()
    return made


SECURE = {"base_url": "https://kavo.example"}


def test_in_production_cookies_are_for_this_host_over_tls_and_not_for_scripts(production):
    answer = production.test_client().get("/aanmelden", **SECURE)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-kavo=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie


def test_a_concurrent_change_is_not_an_error(app):
    with app.test_request_context("/mijn-gegevens"):
        page, status, _ = app.handle_user_exception(Conflict("Noor is intussen door iemand anders gewijzigd."))
    assert (status, "Noor is intussen door iemand anders gewijzigd." in page) == (409, True)


@pytest.mark.parametrize(
    "path, status", [("/", 200), ("/nergens", 404), ("/te-behandelen/", 302), ("/static/look.css", 200)]
)
def test_every_response_requires_tls_and_carries_its_security_headers(production, path, status):
    answer = production.test_client().get(path, **SECURE)
    assert answer.status_code == status
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "charset=utf-8" in answer.headers["Content-Type"]


def test_nothing_of_development_is_there_in_production(production):
    assert not production.debug
    client = production.test_client()
    for path in (
        "/console",
        "/metrics",
        "/__debug__",
        "/.git/config",
        "/.env",
        "/static/../config.py",
        "/static/%2e%2e/config.py",
    ):
        assert client.get(path, **SECURE).status_code in (401, 404), path
    assert "Werkzeug" not in client.get("/nergens", **SECURE).get_data(as_text=True)


@pytest.mark.parametrize(
    "headers", [{"X-Forwarded-For": "9.9.9.9"}, {"X-Real-IP": "9.9.9.9"}, {"Forwarded": "for=9.9.9.9"}]
)
def test_visitors_cannot_choose_their_own_address(app, headers):
    """Without our proxy in front, forwarded headers are not trusted: the limit holds."""
    from times import utcnow

    for _ in range(limits.WRONG_PASSWORDS_PER_ADDRESS):
        limits.claim("address", "127.0.0.1", 100, utcnow())
    visitor = Visitor(app)
    visitor.get("/aanmelden")
    token = visitor.page.find("input", {"name": "csrf_token"})["value"]
    answer = visitor.client.post(
        "/aanmelden", data={"csrf_token": token, "email": "x@y.be", "password": "x"}, headers=headers
    )
    assert "dit netwerk" in answer.get_data(as_text=True)


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Host": "localhost:1@evil.example"}])
def test_another_host_is_refused(app, headers):
    assert app.test_client().get("/wachtwoord-vergeten", headers=headers).status_code == 400


def test_a_forwarded_host_is_not_believed(app):
    answer = app.test_client().get("/te-behandelen/", headers={"X-Forwarded-Host": "evil.example"})
    assert "evil" not in answer.headers["Location"]


# ---- passwords and sessions


def test_a_long_password_counts_to_its_last_character(app):
    context = app.extensions["security"].pwd_context
    long = "Aa1" + "x" * 100
    assert context.verify(long + "y", context.hash(long + "y"))
    assert not context.verify(long + "z", context.hash(long + "y"))


def test_password_hashes_are_expensive(settings):
    """At least what OWASP asks of Argon2id: 19 MiB, 2 rounds."""
    from app import create_app

    database.close()
    hashed = create_app(settings).extensions["security"].pwd_context.hash("x")
    memory, rounds = (int(re.search(rf"{letter}=(\d+)", hashed)[1]) for letter in "mt")
    assert hashed.startswith("$argon2id$")
    assert memory >= 19 * 1024
    assert rounds >= 2


def test_a_fresh_database_has_no_account(db):
    assert not User.select().exists()
    assert not Token.select().exists()


def test_a_cookie_from_before_the_login_is_no_login(app):
    anna = make.user(password=make.PASSWORD)
    visitor = Visitor(app)
    visitor.get("/aanmelden")
    planted = visitor.client.get_cookie("kavo").value
    visitor.send(email=anna.email, password=make.WORD)
    assert visitor.get("/mijn-gegevens").status_code == 200
    thief = app.test_client()
    thief.set_cookie("kavo", planted)
    assert thief.get("/mijn-gegevens").status_code == 302


def test_a_replaced_key_logs_nobody_out_and_an_absent_one_everybody(settings):
    """With a new key and the old one kept as fallback, cookies, mailed links and second factors stay valid."""
    import dataclasses

    from mails import links

    anna = make.user("team", password=make.PASSWORD)
    site = make.site(manager=make.user())
    database.close()
    old = create_app(settings)
    database.connect()
    visitor = Visitor(old, anna)
    visitor.get("/te-behandelen/")
    cookie, link = visitor.client.get_cookie("kavo").value, links.application(site, utcnow())
    database.close()
    for olds, kept in (((settings.secret_key,), True), ((), False)):
        made = create_app(dataclasses.replace(settings, secret_key="n" * 40, old_secret_keys=olds))
        database.connect(reuse_if_open=True)
        client = made.test_client()
        client.set_cookie("kavo", cookie)
        assert client.get("/te-behandelen/").status_code == (200 if kept else 302)
        assert client.get(link, follow_redirects=True).status_code == 200  # it is a row, without a signature
        again = Visitor(made)
        again.get("/aanmelden")
        again.send(email=anna.email, password=make.WORD)
        with old.app_context():
            again.send(code=make.code(old, anna))
        assert (again.get("/te-behandelen/").status_code == 200) is kept
        database.close()
    database.connect(reuse_if_open=True)


def test_what_an_app_shares_with_us_is_not_readable_in_the_database(app):
    anna = make.user(password=make.PASSWORD)
    make.app_with_codes(app, anna)
    kept = json.loads(User.get_by_id(anna.id).tf_totp_secret)
    assert "key" not in kept
    assert {"enckey"} <= set(kept)


@pytest.mark.parametrize(
    "path, fields",
    [
        ("/wachtwoord-vergeten", {}),
        ("/aanmelden", {"password": "Fout1234"}),
    ],
)
def test_a_known_and_an_unknown_address_get_the_same_answer(app, path, fields):
    make.user(email="bekend@kavo.test", password=make.PASSWORD)
    answers = []
    for email in ("bekend@kavo.test", "onbekend@kavo.test"):
        visitor = Visitor(app)
        visitor.get(path)
        answer = visitor.send(email=email, **fields)
        answers.append((answer.status_code, visitor.page.get_text().replace(email, "")))
    without = [(status, re.sub(r"Referentie: \S+", "", text)) for status, text in answers]
    assert without[0] == without[1]


# ---- logging


def test_what_matters_for_safety_is_logged_or_in_the_history(app, caplog):
    anna, team = make.user(password=make.PASSWORD), make.user("team", password=make.PASSWORD)
    with caplog.at_level("INFO"):
        wrong = Visitor(app)
        wrong.get("/aanmelden")
        wrong.send(email=anna.email, password="Fout1234")
        visitor = Visitor(app, anna)
        visitor.get("/accounts/")
        visitor.get("/gekoppelde-deelnemers/details/?id=999")
        visitor.post("/afmelden")
        manager = Visitor(app, team)
        manager.get(f"/accounts/edit/?id={anna.id}")
        manager.send(role_names=["manager", "team"])
        manager.get("/accounts/export/csv/").get_data()
    told = " ".join(line.getMessage() for line in caplog.records)
    assert all(words in told for words in ("password refused", "logged in", "logged out"))
    verbs = {line.verb for line in History.select()}
    assert {"row.changed", "list.exported"} <= verbs
    assert UserSession.select().where(UserSession.ended_at.is_null(False)).exists()


# ---- dependencies


def pinned() -> dict[str, str]:
    text = (PROJECT / "requirements.txt").read_text("utf-8")
    return {
        name.lower().replace("_", "-"): version
        for name, version in re.findall(r"^([\w.-]+)(?:\[.*\])?==([\w.]+)", text, re.M)
    }


def test_every_package_is_pinned_with_hashes():
    for name in ("requirements.txt", "requirements-dev.txt", "bench/requirements.txt"):
        blocks = re.findall(
            r"^([\w.-]+(?:\[[\w,]+\])?)(\S*) ?\\?\n((?:    .*\n)*)", (PROJECT / name).read_text("utf-8"), re.M
        )
        assert len(blocks) > 5
        for package, version, rest in blocks:
            assert version.startswith("=="), package
            assert "--hash=sha256:" in rest, package


def test_no_package_is_older_than_the_release_that_closed_a_known_hole():
    """advisories.toml is kept by hand, since tests reach no vulnerability database; it is reviewed every half year."""
    told = tomllib.loads((PROJECT / "advisories.toml").read_text("utf-8"))
    assert date.today() - told["looked_on"] <= timedelta(days=366), "look for new advisories and change looked_on"
    have = pinned()
    assert len(told["least"]) > 10
    for package, rule in told["least"].items():
        assert package in have, package
        assert _numbers(have[package]) >= _numbers(rule["version"]), (package, rule["why"])


def _numbers(version):
    return [int(part) for part in re.findall(r"\d+", version)]


@pytest.mark.one_database
def test_a_list_of_all_that_is_in_the_product_can_be_made(tmp_path):
    made = tmp_path / "sbom.json"
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", str(PROJECT / "requirements.txt"), "-o", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    listed = {
        part["name"].lower().replace("_", "-"): part["version"]
        for part in json.loads(made.read_text("utf-8"))["components"]
    }
    assert listed == pinned()


def test_every_row_of_the_security_page_names_a_test_that_exists_or_a_reason():
    text = (PROJECT / "docs" / "security.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \|([^|]*)\|([^|]*)\|(.*)\|$", text, re.M)
    assert [int(number) for number, *_ in rows] == list(range(1, 66))
    for number, _, _, shown in rows:
        tests = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", shown)
        assert tests or "Reden:" in shown, number
        for path, name in tests:
            assert re.search(rf"^def {name}\(", (PROJECT / path).read_text("utf-8"), re.M), (number, path, name)


CALL = r"re\.(?:compile|search|match|sub|findall)\(\s*r?f?\"((?:[^\"\\]|\\.)*)\""
PATTERNS = sorted({found for _, path in modules() for found in re.findall(CALL, path.read_text("utf-8"))})


@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_pattern_is_slow_on_long_input(pattern):
    """A pattern with catastrophic backtracking would take minutes: the child process is ended after one."""
    texts = [char * 20_000 for char in "a1 -<&/.@%"] + ["a " * 10_000, "https://" * 3000, "a1-" * 8000, "\t\n" * 10_000]
    code = f"import re\nfor text in {texts!r}:\n    re.search({pattern!r}, text + '!')"
    subprocess.run([sys.executable], input=code, text=True, check=True, timeout=60)
