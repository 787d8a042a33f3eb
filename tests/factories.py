"""Factories of valid rows: pass only what matters to the test. Use as `from tests import factories as make`."""

import time
from datetime import date, datetime
from itertools import count

from peewee import DateField, DateTimeField, ForeignKeyField, IntegerField

from models import (
    TEAM,
    Association,
    Extension,
    Handover,
    Lookup,
    Mail,
    Membership,
    Participant,
    Placement,
    Role,
    Site,
    SiteManager,
    SitePeriod,
    Trajectory,
    User,
    UserRole,
)
from workflow.accounts import accounts
from workflow.stages import evaluations

NOW = datetime(2026, 7, 1, 8, 0)
COURSE = date(2026, 1, 10)
WORD = "Kadervorming1"
PASSWORD = "$argon2id$v=19$m=8,t=1,p=1$D8FY6703BuAco1SqNWYs5Q$v1o8x0b8oXH7/vpzM3l2wsKvlyppp2rfqBNU6BrPII4"
"""a cheap hash of WORD, see `conftest.with_quick_passwords`"""

_numbers = count(1)


def user(role="manager", association=None, **values):
    number = next(_numbers)
    values = {
        "confirmed_at": NOW,
        "email": f"mens{number}@kavo.test",
        "first_name": "Noor",
        "last_name": f"Jacobs{number}",
        **values,
    }
    made = accounts.new_user(**values)
    made.save(force_insert=True)
    if role:
        UserRole.create(user=made, role=Role.get_or_create(name=role)[0])
    if association:
        Membership.create(user=made, association=association, since=NOW)
    return made


def app_with_codes(app, user):
    """Give this user an authenticator app as second factor."""
    User.update(
        tf_primary_method="authenticator", tf_totp_secret=app.security.totp_factory.generate_totp_secret()
    ).where(User.id == user.id).execute()


def code(app, user, later=0):
    """The code in this user's app, `later` half minutes from now; a used code becomes valid again."""
    User.update(tf_counter=None).where(User.id == user.id).execute()
    with app.app_context():
        codes = app.security.totp_factory._totp.from_source(User.get_by_id(user.id).tf_totp_secret)
        return codes.generate(time.time() + 30 * later).token


def association(**values):
    made = Association(**{"name": f"Vereniging {next(_numbers)}", **values})
    made.save()
    return made


def site(manager=None, **values):
    number = next(_numbers)
    ordinary = {
        "name": f"Speelplein {number}",
        "recognition": "municipal",
        "street": "Dorpsstraat 1",
        "postcode": "9000",
        "municipality": "Gent",
        "animator": True,
        "state": "approved",
        "submitted_at": NOW,
    }
    made = Site(**{**ordinary, **values})
    made.save()
    SitePeriod(site=made, kind="summer").save()
    if manager:
        SiteManager(site=made, user=manager, since=NOW).save()
    return made


def participant(**values):
    number = next(_numbers)
    ordinary = {
        "kavo_id": f"{200000 + number}-{number % 100:02}",
        "first_name": "Lotte",
        "last_name": f"Peeters{number}",
        "birth_date": date(2009, 3, 12),
    }
    made = Participant(**{**ordinary, **values})
    made.save()
    return made


def trajectory(**values):
    ordinary = {"type": "animator", "course_started_on": COURSE}
    values.setdefault("participant", None)
    values["participant"] = values["participant"] or participant()
    values.setdefault("association", None)
    values["association"] = values["association"] or association()
    made = Trajectory(**{**ordinary, **values})
    made.save()
    return made


def placement(**values):
    values["trajectory"] = values.get("trajectory") or trajectory()
    values["site"] = values.get("site") or site()
    ordinary = {"hours": 20, "created_at": NOW}
    values.setdefault("coupled_by", None)
    values["coupled_by"] = values["coupled_by"] or user("team")
    made = Placement(**{**ordinary, **values})
    made.save()
    return made


def evaluated(placement, by=None, now=NOW, on_behalf=None, version=None, **values):
    """A placement with an evaluation: positive for all planned hours unless said otherwise."""
    ordinary = {
        "mentor": "Eline Wouters",
        "criterion": "instructor",
        "starts_on": date(2026, 6, 1),
        "ends_on": date(2026, 6, 20),
        "hours_done": placement.hours,
        "result": "positive",
        "motivation": "Vlot.",
    }
    given = evaluations.EvaluationInput(**{**ordinary, **values})
    evaluations.evaluate(placement, given, by or user("team"), now, on_behalf=on_behalf, version=version)
    return Placement.get_by_id(placement.id)


def handover(**values):
    ordinary = {"email": "opvolger@kavo.test", "offered": True, "created_at": NOW, "due_on": NOW.date()}
    values["site"] = values.get("site") or site()
    made = Handover(**{**ordinary, **values})
    made.save()
    return made


def role(name=TEAM):
    return Role.get_or_create(name=name)[0]


def row(model, **values):
    """A row of any table: made by the function of this file with its name, else with something in each column that needs it."""
    ready = globals().get(model._meta.table_name)
    if ready:
        return ready(**values)
    needed = [one for one in model._meta.sorted_fields if not (one.null or one.primary_key or one.default is not None)]
    if model is Extension:  # of one trajectory, or of a range of courses
        needed.append(Extension.trajectory)
    made = model(**{one.name: _something(one) for one in needed if one.name not in values}, **values)
    made.save()
    return made


def _something(field):
    """A value that this column takes."""
    if isinstance(field, ForeignKeyField):
        return row(field.rel_model)
    if field.choices:
        return field.choices[0][0]
    number = next(_numbers)
    named = {"email": f"adres{number}@kavo.test", "postcode": "9000", "kavo_id": "125143-59"}
    kinds = {DateField: COURSE, DateTimeField: NOW, IntegerField: number % 50 + 1}
    return named.get(field.name) or next((kinds[kind] for kind in kinds if isinstance(field, kind)), f"Tekst {number}")


def lookup(**values):
    ordinary = {"kavo_id": "125143-59", "found": True, "purpose": "koppelen", "at": NOW}
    values["user"] = values.get("user") or user("team")
    return Lookup.create(**{**ordinary, **values})


def mail(**values):
    number = next(_numbers)
    ordinary = {
        "key": f"soort-{number}",
        "kind": "soort",
        "to_address": "iemand@kavo.test",
        "subject": "Onderwerp",
        "body": "Tekst",
        "message_id": f"<{number}@kavo.test>",
        "created_at": NOW,
        "next_at": NOW,
    }
    return Mail.create(**{**ordinary, **values})
