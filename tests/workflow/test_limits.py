"""Rate limits also hold for simultaneous attempts: checking and recording are atomic."""

import ast
from threading import Barrier, Thread

import pytest

from config import PROJECT
from database import RuleError, database
from models import Attempt, Draft, Lookup, Mail, Site
from tests import factories as make
from tests.public_pages.test_registration import born, typed
from tests.visitor import Visitor
from times import utcnow
from workflow import limits
from workflow.stages import placements

AT_ONCE = 20


def all_at_once(acts):
    """Run these in threads that start together, each with its own database connection; returns their results."""
    together, given = Barrier(len(acts)), []

    def run(act):
        together.wait()
        given.append(act())

    database.close()
    threads = [Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database.connect()
    assert len(given) == len(acts)
    return given


def sending(app, path, user=None, before=lambda visitor: None, **fields):
    """The request of each of 20 browsers with the form of this page open."""

    def ready():
        visitor = Visitor(app, user)
        before(visitor)
        visitor.get(path)

        def send():
            visitor.send(**fields)
            return visitor.text

        return send

    return [ready() for _ in range(AT_ONCE)]


def log_in(app):
    return sending(app, "/aanmelden", email=make.user(password=make.PASSWORD).email, password="Fout12345")


def log_in_with_a_new_address_each_time(app):
    acts = sending(app, "/aanmelden", email="niemand@kavo.test", password="Fout12345")
    for _ in range(limits.WRONG_PASSWORDS_PER_ADDRESS - 3):
        limits.claim("address", "127.0.0.1", limits.WRONG_PASSWORDS_PER_ADDRESS, utcnow())
    return acts


def show_who_one_is(app):
    return sending(app, "/ben-jij-het", make.user(password=make.PASSWORD), password="Fout12345")


def change_the_password(app):
    new = {"new_password": "Zandkasteel8", "new_password_confirm": "Zandkasteel8"}
    return sending(app, "/wachtwoord-wijzigen", make.user(password=make.PASSWORD), password="Fout12345", **new)


def ask_a_link(app):
    return sending(app, "/wachtwoord-vergeten", email=make.user(password=make.PASSWORD).email)


def after_the_password(app, path, **fields):
    anna = make.user(password=make.PASSWORD)
    make.app_with_codes(app, anna)

    def before(visitor):
        visitor.get("/aanmelden")
        visitor.send(email=anna.email, password=make.WORD)

    return sending(app, path, before=before, **fields)


def guess_a_code(app):
    return after_the_password(app, "/aanmelden/code", code="000000")


def guess_a_code_for_emergencies(app):
    return after_the_password(app, "/aanmelden/noodcode", code="aaaa-bbbb-cccc")


@pytest.mark.parametrize(
    "door, most, sentence",
    [
        (log_in, 5, "te vaak fout"),
        (log_in_with_a_new_address_each_time, 3, "te vaak fout"),
        (show_who_one_is, 5, "te vaak fout"),
        (change_the_password, 5, "te vaak fout"),
        (ask_a_link, 5, "al 5 keer een link gevraagd"),
        (guess_a_code, 5, "te vaak fout"),
        (guess_a_code_for_emergencies, 5, "te vaak fout"),
    ],
)
def test_of_20_tries_at_once_no_more_get_through_than_one_after_the_other(app, door, most, sentence):
    answers = all_at_once(door(app))

    assert sum(sentence not in text for text in answers) == most
    if door is ask_a_link:
        assert Mail.select().count() == most


def test_of_20_registrations_at_once_5_are_taken(app):
    acts = []
    for number in range(AT_ONCE):
        visitor = Visitor(app)
        visitor.get("/registreren/jongeren")
        fields = typed(email=f"noor{number}@kavo.test", name=f"Speelplein {number}")
        acts.append(lambda visitor=visitor, fields=fields: visitor.send(**fields))
    all_at_once(acts)

    assert Site.select().count() == 5


def test_of_20_drafts_at_once_those_are_kept_that_still_fit(app):
    acts = sending(app, "/registreren/jongeren", **typed(birth_date=born(18)))
    for _ in range(47):
        limits.claim("draft", "127.0.0.1", 50, utcnow())
    all_at_once(acts)

    assert Draft.select().count() == 3


def test_of_20_new_addresses_at_once_at_most_5_get_a_mail(app):
    """At most: on PostgreSQL two simultaneous forms of one person may deadlock, and one of them is asked to try again."""
    jonas, acts = make.user(password=make.PASSWORD), []
    for number in range(AT_ONCE):
        visitor = Visitor(app, jonas)
        visitor.get("/mijn-gegevens")
        form = visitor.page.select_one("main form:has([name=email])")
        acts.append(
            lambda visitor=visitor, form=form, number=number: visitor.send(form, email=f"jonas{number}@kavo.test")
        )
    all_at_once(acts)

    assert Mail.select().where(Mail.kind == "confirm_address").count() in range(1, 6)


def test_of_30_unknown_numbers_at_once_20_are_looked_up(app, now):
    jonas = make.user()
    site = make.site(manager=jonas)

    def look_up(number):
        with database.connection_context(), pytest.raises(RuleError) as refused:
            placements.look_up(f"9000{number}-00", site, jonas, now)
        return str(refused.value)

    told = all_at_once([lambda number=number: look_up(number) for number in range(10, 40)])

    assert sum("vinden niemand" in text for text in told) == 20
    assert Lookup.select().count() == 20


def test_a_success_and_a_refusal_leave_nothing_counted(app, now):
    jonas = make.user(password=make.PASSWORD)
    Visitor(app, jonas)
    assert not Attempt.select().exists()

    for _ in range(100):
        limits.claim("address", "127.0.0.1", 100, utcnow())
    visitor = Visitor(app)
    visitor.get("/aanmelden")
    visitor.send(email=jonas.email, password="Fout12345")
    assert not Attempt.select().where(Attempt.kind == "account").exists()


def test_attempts_are_counted_only_by_the_atomic_step():
    """Checking first and recording later would let more attempts through than allowed."""
    users = []
    for path in PROJECT.glob("**/*.py"):
        if path.relative_to(PROJECT).parts[0] not in ("tests", "bench", ".venv"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            calls = {
                node.attr
                for node in ast.walk(tree)
                if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "Attempt"
            }
            if calls & {"select", "create", "insert", "get", "get_or_none"}:
                users.append(path.name)
    assert users == ["limits.py"]
