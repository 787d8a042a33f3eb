"""The page of workarounds names every one in the code, and each has a test of the plain library.

Such a test shows the fault. When it fails, the library has mended it: remove the workaround, its line in docs/workarounds.md and
the test. No code of ours takes part in showing a fault, except tables that need rows."""

import importlib.util
import io
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib.resources import files
from types import SimpleNamespace

import flask_admin
import psycopg
import pytest
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import FlaskOAuth2App, OAuth
from authlib.oauth2 import OAuth2Error
from babel.messages.mofile import read_mo
from babel.units import format_unit
from flask import Flask, session, stream_with_context
from flask_admin.base import BaseView, expose
from flask_admin.contrib.peewee import ModelView
from flask_admin.contrib.peewee.form import CustomModelConverter
from flask_admin.menu import MenuView
from flask_babel import Babel
from flask_login import login_user
from flask_security import LoginForm, PeeweeUserDatastore, Security, Totp, current_user
from flask_security.core import _get_hashing_context, _get_principal
from flask_security.utils import validate_redirect_url
from flask_wtf import FlaskForm
from flask_wtf.csrf import same_origin
from flask_wtf.form import _Auto
from huey import MemoryHuey
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet, RSAKey
from mypy import api as mypy
from peewee import CharField, ForeignKeyField, Model, PeeweeException, SqliteDatabase
from playhouse.pool import MaxConnectionsExceeded
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request
from wtforms import DateField, Form, IntegerField, SelectField, StringField
from wtforms.validators import InputRequired, NumberRange

import config
from database import database, on_postgresql
from models import Passkey, Role, User, UserRole
from tests import factories as make
from tests.machines import free_port
from tests.test_conventions import modules
from tests.test_documentation import read, rows

MARK = re.compile(r"^ *# workaround: (.+)$", re.M)
HEAD = 1  # row of the table that holds its titles
ISSUE = re.compile(r"none found|(\[[\w.-]+/[\w.-]+#\d+\]\(https://github\.com/[\w./-]+/\d+\)[^|]*)+")


# ---- the page


def in_code() -> dict[str, set[str]]:
    """Name of a workaround → the files that bear its mark."""
    found: dict[str, set[str]] = {}
    for _, path in modules():
        for name in MARK.findall(path.read_text("utf-8")):
            found.setdefault(name, set()).add(str(path.relative_to(config.PROJECT)))
    return found


def on_the_page() -> list[list[str]]:
    """The cells of each line of the table: name, library, what is wrong, where, upstream issue, test."""
    return rows(read("workarounds.md"))[HEAD:]


def test_every_workaround_has_its_line_and_no_line_is_of_one_that_is_gone():
    assert len(in_code()) > 30, "are the marks still found?"
    listed = {name.strip("`"): set(re.findall(r"`([^`]+)`", where)) for name, _, _, where, _, _ in on_the_page()}
    assert listed == in_code(), "write the line in docs/workarounds.md, or remove it"


def test_every_line_names_its_library_an_issue_if_there_is_one_and_its_own_test():
    lines = on_the_page()
    assert len({line[0] for line in lines}) == len(lines)
    for name, library, wrong, _, issue, test in lines:
        assert re.search(r" \d+\.\d+", library), f"{name}: say in which version it was seen"
        assert len(wrong) > 20, name
        assert ISSUE.fullmatch(issue), f"{name}: {issue}"
        assert f"test_{test.strip('`').removeprefix('test_')}" in globals(), f"{name}: there is no {test}"
    assert len({line[5] for line in lines}) == len(lines), "one test for each"


# ---- Flask-Security


@pytest.fixture
def plain(db):
    """An application with nothing but Flask-Security as it comes, on our tables of users."""
    app = Flask("plain", template_folder=None)
    app.config.update(
        SECRET_KEY="s" * 40,
        SECURITY_PASSWORD_SALT="1" * 40,
        SECURITY_RECOVERABLE=True,
        SECURITY_RETURN_GENERIC_RESPONSES=True,
        SECURITY_TWO_FACTOR=True,
        SECURITY_TWO_FACTOR_ENABLED_METHODS=["authenticator"],
        SECURITY_TOTP_SECRETS={"1": "t" * 40},
        SECURITY_TOTP_ISSUER="plain",
        SECURITY_SEND_PASSWORD_RESET_EMAIL=False,
        SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False, "test_environment": True},
        WTF_CSRF_ENABLED=False,
    )
    app.security = Security(app, PeeweeUserDatastore(database, User, Role, UserRole, Passkey))
    return app


def test_flask_security_has_no_dutch_for_a_duration():
    """For Babel does not find it. From a fresh copy of its module, since ours changes the one in use."""
    spec = importlib.util.find_spec("flask_security.babel")
    fresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fresh)
    app = Flask("plain")
    app.config["BABEL_DEFAULT_LOCALE"] = "nl"
    Babel(app)
    with app.test_request_context():
        assert fresh.format_td_parts([(2, "hour"), (5, "minute")]) is None
    assert format_unit(2, "duration-hour", "long", locale="nl") == "2 duration-hour"


def test_flask_security_makes_the_hash_in_a_link_slow(plain):
    assert _get_hashing_context(plain).handler().default_rounds > 100_000
    settings = {name for name in plain.config if "HASHING" in name}
    assert settings == {"SECURITY_HASHING_SCHEMES", "SECURITY_DEPRECATED_HASHING_SCHEMES"}


def test_flask_security_asks_for_the_user_of_a_static_file():
    assert _get_principal(Flask("plain")).skip_static is False


def test_flask_security_hashes_for_an_unknown_address_alone(plain, monkeypatch):
    """So the two take a different time, though they get the same answer."""
    hashed = []
    monkeypatch.setattr("flask_security.views.hash_password", hashed.append)
    answers = []
    for address in (make.user().email, "nobody@kavo.test"):
        answers.append(plain.test_client().post("/reset", data={"email": address}))
        hashed.append("next")
    assert [answer.status_code for answer in answers] == [200, 200]
    assert hashed == ["next", "not-a-password", "next"]


def test_flask_security_has_its_own_page_behind_a_link_for_a_password(plain):
    """It cannot be left out while there is a page that asks for a link: one setting stands for both."""
    assert {"security.forgot_password", "security.reset_password"} <= set(plain.view_functions)
    switches = {name for name in plain.config if "RECOVERABLE" in name or "RESET_PASSWORD" in name}
    expected = {"RECOVERABLE", "RESET_PASSWORD_TEMPLATE", "RESET_PASSWORD_WITHIN", "MSG_INVALID_RESET_PASSWORD_TOKEN"}
    assert switches == {f"SECURITY_{name}" for name in expected}


def test_flask_security_has_not_all_of_its_dutch():
    folder = files("flask_security") / "translations"
    dutch = read_mo(io.BytesIO((folder / "nl_NL" / "LC_MESSAGES" / "flask_security.mo").read_bytes()))
    texts = (folder / "flask_security.pot").read_text("utf-8")
    assert len(dutch) < len(re.findall(r'^msgid "', texts, re.M)) - 1


def test_flask_security_puts_a_link_below_the_password(plain):
    with plain.test_request_context("/login"):
        assert LoginForm().password.description


def test_flask_security_accepts_a_code_twice():
    totp = Totp({"1": "t" * 40}, "plain")
    secret, user = totp.generate_totp_secret(), SimpleNamespace()
    code = totp.generate_totp_password(secret)
    assert [totp.verify_totp(code, secret, user, 30) for _ in range(2)] == [True, True]


def test_flask_security_encrypts_with_the_key_of_the_greatest_name():
    assert Totp({"a": "n" * 40, "b": "o" * 40}, "plain")._totp.wallet.default_tag == "b"


def test_flask_security_fails_on_a_secret_whose_key_is_gone():
    secret = Totp({"old": "o" * 40}, "plain").generate_totp_secret()
    with pytest.raises(KeyError):
        Totp({"new": "n" * 40}, "plain").verify_totp("123456", secret, SimpleNamespace())


def test_flask_security_does_not_save_that_a_code_for_emergencies_was_used(plain):
    user = make.user()
    user.mf_recovery_codes = ["one", "two"]
    user.save()
    assert plain.security.datastore.mf_delete_recovery_code(user, 0)
    assert User.get_by_id(user.id).mf_recovery_codes == ["one", "two"]


def test_flask_security_keeps_a_secret_in_an_address(plain):
    (rule,) = plain.url_map.iter_rules("security.two_factor_setup_validate")
    assert rule.arguments == {"token"}


def test_flask_security_logs_out_who_opens_the_page_for_a_code(plain):
    with plain.test_request_context("/tf-validate"):
        login_user(make.user())
        assert current_user.is_authenticated
        plain.view_functions["security.two_factor_token_validation"]()
        assert not current_user.is_authenticated


def test_broken_addresses_are_errors_in_flask_wtf_and_flask_security(plain):
    with pytest.raises(ValueError, match="IPv6"):
        same_origin("http://[", "http://localhost/")
    with plain.test_request_context(), pytest.raises(ValueError, match="IPv6"):
        validate_redirect_url("http://[")


# ---- Authlib


class Answers:
    """A session of Authlib's client that gets the next of these answers (JSON) for each request."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def request(self, *asked, **options):
        answer = self.answers.pop(0)
        return SimpleNamespace(json=lambda: answer, raise_for_status=lambda: None)


@pytest.fixture
def oauth():
    """A function for a plain client of OpenID Connect, inside a request; it takes settings and answers of the provider."""
    app = Flask("plain")
    app.config["SECRET_KEY"] = "s" * 40

    def client(*answers, **settings) -> FlaskOAuth2App:
        made = OAuth(app).register("eid", client_id="us", client_secret="secret", **settings)
        if answers:
            made._get_session = lambda: Answers(*answers)
        return made

    with app.test_request_context("/?code=c&state=s"):
        yield client


def test_authlib_believes_the_issuer_and_algorithms_of_the_metadata(oauth):
    told = {"issuer": "https://somebody.else", "id_token_signing_alg_values_supported": ["HS256"]}
    client = oauth(told, server_metadata_url="https://eid.test/.well-known/openid-configuration")
    assert client.load_server_metadata().items() >= told.items()


def test_authlib_does_not_look_for_a_new_key_under_a_known_id(oauth):
    old, new = (RSAKey.generate_key(2048, {"kid": "1"}) for _ in range(2))
    now = int(time.time())
    claims = {"iss": "https://eid.test", "sub": "s", "aud": "us", "exp": now + 60, "iat": now, "nonce": "n"}
    token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, new)
    public = [KeySet([key]).as_dict(private=False) for key in (old, new)]
    client = oauth(public[1], jwks=public[0], jwks_uri="https://eid.test/keys", issuer="https://eid.test")
    with pytest.raises(BadSignatureError):
        client.parse_id_token({"id_token": token}, "n")
    client.fetch_jwk_set(force=True)
    assert client.parse_id_token({"id_token": token}, "n")["sub"] == "s"


def test_authlib_passes_on_claims_that_nobody_signed(oauth):
    client = oauth()
    client.save_authorize_data(state="s", nonce="n")
    client.fetch_access_token = lambda **asked: {"access_token": "a", "userinfo": {"sub": "anybody"}}
    assert client.authorize_access_token()["userinfo"] == {"sub": "anybody"}


def test_authlib_keeps_the_state_of_every_login_that_was_not_finished(oauth):
    client = oauth(authorize_url="https://eid.test/")
    for _ in range(20):
        client.authorize_redirect("https://us.test/back")
    assert len(session) == 20


def test_authlib_keeps_the_whole_address_in_the_cookie(oauth):
    oauth(authorize_url="https://eid.test/").authorize_redirect("https://us.test/back")
    (kept,) = session.values()
    assert kept["data"]["url"].startswith("https://eid.test/")


def test_authlib_raises_errors_of_python_for_a_strange_answer(oauth):
    with pytest.raises(Exception, match="jwks_uri") as raised:
        oauth(issuer="https://eid.test").parse_id_token({"id_token": "x"}, "n")
    assert not isinstance(raised.value, AuthlibBaseError)


def test_authlib_refuses_to_refuse_in_other_letters():
    with pytest.raises(ValueError, match="forbidden characters"):
        OAuth2Error('unknown scope "é"')


# ---- WTForms and Flask-WTF


def test_wtforms_takes_what_the_row_holds_for_a_field_that_was_not_sent():
    class One(Form):
        name = StringField()
        other = StringField()

    form = One(MultiDict({"other": "sent"}), obj=SimpleNamespace(name="of the row"))
    assert form.name.data == "of the row"


def test_wtforms_fails_on_a_number_beyond_any_float():
    class One(Form):
        number = IntegerField(validators=[NumberRange(max=5)])

    with pytest.raises(OverflowError):
        One(MultiDict({"number": "9" * 400})).validate()


def test_wtforms_hides_what_is_no_number_and_asks_for_a_choice_that_is_made():
    class One(Form):
        number = IntegerField()
        day = DateField()
        choice = SelectField(choices=[("a", "A")], validators=[InputRequired()])

    form = One(MultiDict({"number": "five", "day": "today"}))
    assert 'type="number" value="five"' in form.number()
    assert 'type="date" value="today"' in form.day()
    assert "required" in form.choice()


def test_flask_wtf_has_no_public_name_for_nothing_passed():
    told = []

    class One(FlaskForm):
        class Meta:
            csrf = False

            def get_translations(self, form):
                return None

            def wrap_formdata(self, form, formdata):
                told.append(formdata)

    One()
    One(formdata=None)
    assert told == [_Auto, None]


# ---- Flask and Werkzeug


def test_flask_ends_a_request_with_a_streamed_response_twice():
    app, ended = Flask("plain"), []
    app.add_url_rule("/", view_func=lambda: app.response_class(stream_with_context(iter("ab"))))
    app.teardown_request(ended.append)
    assert app.test_client().get("/").text == "ab"
    assert len(ended) == 2


def posted(body: bytes, kind: str) -> Request:
    return Request(EnvironBuilder(method="POST", data=body, content_type=kind).get_environ())


def test_werkzeug_names_a_field_without_a_name_none():
    body = b"--x\r\nContent-Disposition: form-data\r\n\r\nvalue\r\n--x--\r\n"
    assert None in posted(body, "multipart/form-data; boundary=x").form


def test_werkzeug_counts_fields_of_one_kind_of_form_and_pieces_of_files_as_fields():
    many = posted(b"a=1&b=2&c=3", "application/x-www-form-urlencoded")
    many.max_form_parts = 1
    assert len(many.form) == 3

    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    file = posted(head + b"f" * 200_000 + b"\r\n--x--\r\n", "multipart/form-data; boundary=x")
    file.max_form_memory_size = 10_000
    with pytest.raises(RequestEntityTooLarge):
        assert file.files


# ---- Flask-Admin


class Parent(Model):
    name = CharField()

    class Meta:
        database = SqliteDatabase(":memory:")


class Second(Parent):
    class Meta:
        database = Parent._meta.database


class Child(Model):
    parent = ForeignKeyField(Parent)
    second = ForeignKeyField(Second)

    class Meta:
        database = Parent._meta.database


@pytest.fixture
def family():
    """Two parents, one of each kind, and their child, in a database of their own."""
    with Parent._meta.database.connection_context():
        Parent._meta.database.create_tables([Parent, Second, Child])
        first, _ = Parent.create(name="a"), Parent.create(name="b")
        Child.create(parent=first, second=Second.create(name="c"))
        yield first


def listed(view) -> list:
    return view.get_list(0, None, None, "a", [])[1]


def test_flask_admin_reaches_rows_past_the_query(family):
    class View(ModelView):
        column_searchable_list = ("name",)

        def get_query(self):
            return Parent.select().where(Parent.name == "b")

    assert listed(View(Parent)) == []
    assert View(Parent).get_one(family.id) == family


def test_flask_admin_deletes_the_rows_that_refer_to_a_row(family):
    assert ModelView(Parent).delete_model(family)
    assert Child.select().count() == 0


def test_flask_admin_cannot_join_two_related_tables(family):
    class View(ModelView):
        column_searchable_list = (Parent.name, Second.name)

    with pytest.raises(ValueError, match="foreign key"):
        listed(View(Child))


def test_flask_admin_reads_no_dotted_column(family):
    class View(ModelView):
        column_searchable_list = ("parent.name",)

    with pytest.raises(AttributeError):
        View(Child)


def test_flask_admin_reads_a_whole_export_into_memory(family):
    _, found = ModelView(Parent).get_list(0, None, None, None, None, page_size=0)
    assert isinstance(found, list)


def test_flask_admin_offers_every_row_of_a_related_table(family):
    view = SimpleNamespace(
        form_ajax_refs={}, _form_ajax_refs={}, get_query=lambda: Parent.select().where(Parent.name == "b")
    )
    field = CustomModelConverter(view).convert(Child, Child.parent, {}).field

    class One(Form):
        parent = field

    assert len([value for value, *_ in One().parent.iter_choices() if value != "__None"]) == 2


def test_flask_admin_keeps_the_address_that_the_first_request_built():
    class View(BaseView):
        @expose("/")
        def index(self):
            return ""

    app, view = Flask("plain"), View(endpoint="view", url="/view")
    flask_admin.Admin(app).add_view(view)
    entry, addresses = MenuView("View", view), []
    for prefix in ("/one", "/two"):
        with app.test_request_context("/", base_url=f"http://localhost{prefix}"):
            addresses.append(entry.get_url())
    assert addresses == ["/one/view/", "/one/view/"]


def test_flask_admin_has_scripts_in_attributes():
    folder = files("flask_admin") / "templates" / "bootstrap4" / "admin"
    assert "onclick=" in (folder / "model" / "row_actions.html").read_text("utf-8")
    assert "onclick=" in (folder / "actions.html").read_text("utf-8")


# ---- Peewee and psycopg


def test_peewee_passes_on_a_number_that_the_driver_cannot(family):
    with pytest.raises(OverflowError):
        Parent.get_or_none(Parent.id == 2**63)


def test_peewee_has_an_error_for_a_full_pool_that_is_none_of_a_database():
    assert not issubclass(MaxConnectionsExceeded, PeeweeException)


def test_the_stubs_of_peewee_lack_what_peewee_has():
    used = """
import peewee
class Row(peewee.Model): ...
names: list[tuple[str, ...]] = list(Row.select().tuples())
Row.select().for_update("FOR UPDATE")
Row()._pk, Row.DoesNotExist, Row()._dirty, Row()._pk_expr(), Row().id
"""
    said, _, _ = mypy.run(["--config-file=", "--cache-dir=/dev/null", "-c", used])
    for lacking in ('"list" has', '"for_update" of', '"_pk"', '"DoesNotExist"', '"_dirty"', '"_pk_expr"', '"id"'):
        assert lacking in said, said


def test_psycopg_does_not_prepare_again_after_a_new_column(db):
    """Added by another connection, that is: psycopg notices what its own connection changes."""
    if not on_postgresql():
        pytest.skip("needs PostgreSQL")
    with (
        psycopg.connect(db, prepare_threshold=0, autocommit=True) as plain,
        psycopg.connect(db, autocommit=True) as other,
    ):
        other.execute("CREATE TABLE one (a integer)")
        try:
            plain.execute("SELECT * FROM one")
            other.execute("ALTER TABLE one ADD COLUMN b integer")
            with pytest.raises(psycopg.errors.FeatureNotSupported, match="cached plan"):
                plain.execute("SELECT * FROM one")
        finally:
            other.execute("DROP TABLE one")


# ---- Huey, Granian and Python


SERVER = """
import sys
from granian import Granian
from granian.constants import Interfaces

def application(environ, start_response):
    start_response("200 OK", [])
    return [b""]

server = Granian("x:y", interface=Interfaces.WSGI, address="127.0.0.1", port=int(sys.argv[1]), log_enabled=False)
server.serve(target_loader=lambda _: application)
"""
ATTEMPTS = 10  # it does not hang every time
PATIENCE = 5  # seconds; without a second signal it stops in one


def ends(port: int, stop: Callable[[int, int], None]) -> bool:
    """Whether Granian ends in time after `stop` sent SIGINT to its process id or to its group."""
    started = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(port)], start_new_session=True, stderr=subprocess.DEVNULL
    )
    try:
        wait_until_it_listens(port)
        stop(started.pid, signal.SIGINT)
        started.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        return False
    finally:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()
    return True


def wait_until_it_listens(port: int) -> None:
    """Raises TimeoutError after 20 seconds."""
    for _ in range(400):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on {port}")


@pytest.mark.skipif(
    not os.environ.get("KAVO_THOROUGH"), reason="on a busy machine it may not hang: KAVO_THOROUGH=1 tries it"
)
def test_granian_hangs_on_a_second_signal():
    """As Ctrl-C in a terminal: the group gets SIGINT, and then the first process sends SIGTERM to the second."""
    port = free_port()
    assert ends(port, os.kill)
    assert not all(ends(port, os.killpg) for _ in range(ATTEMPTS))


class RunsCode:
    def __reduce__(self):
        return eval, ("'code that ran'",)


def test_huey_runs_code_that_stands_in_its_queue():
    assert MemoryHuey("plain").serializer.deserialize(pickle.dumps(RunsCode())) == "code that ran"


def test_python_shows_every_line_of_an_error():
    trace = traceback.TracebackException.from_exception(ValueError("refused\nthe row itself"))
    assert "the row itself" in "".join(trace.format())
    assert "str" not in dir(trace)
