"""Random requests for every list, compared with plain Python over the same rows: filters, search, tabs, order and pages, for
the team and for a manager."""

import os
from datetime import date, datetime, timedelta
from random import Random

import pytest
from flask import g
from werkzeug.datastructures import MultiDict

import audit
import scope
from admin_kit import counting, filters
from admin_kit.joins import dotted
from admin_kit.list_page import ListPage
from database import before_all, normalise, searched
from models import (
    Association,
    History,
    Lookup,
    Mail,
    Participant,
    Placement,
    Site,
    SiteManager,
    Trajectory,
    User,
)
from tests import factories as make
from times import local_date
from workflow.stages import placements

ASKED = 1_000 if os.environ.get("KAVO_THOROUGH") else 120
FIRST = ("Özlem", "An", "Anne-Sofie", "Bé", "Zoë", "An", "Lotte", "D’Arcy", "Ilyas", "ann")
LAST = (
    "Van den Broeck",
    "Çelik",
    "D'Hondt",
    "El-Amrani",
    "de Smet",
    "De Smedt",
    "100%",
    "O_Neil",
    "Peeters",
    "Peeters",
    "Őri",
)
PLACES = ("Gent", "Écaussinnes", "'s-Gravenvoeren", "Sint-Niklaas", "Aalst", "Zele")
SUBJECTS = ("Je stageplaats is goedgekeurd", "Vraag over je aanvraag", "Kies je wachtwoord")
YEARS = timedelta(days=17 * 365)


class Made:
    """A small world of rows that resemble each other in tricky ways, and the people who request them."""

    def __init__(self, seed):
        self.chance = Random(seed)
        self.team, self.jonas = make.user("team", first_name="Kim"), make.user(first_name="Jonas")
        self.people()
        self.sites()
        self.stages()
        self.records()

    def pick(self, *values):
        return self.chance.choice(values)

    def day(self, spread=400):
        return date(2026, 7, 1) + timedelta(days=self.chance.randint(-spread, spread))

    def moment(self):
        """Moments, often just before or after midnight in Brussels."""
        return datetime(2026, 6, 30, self.pick(1, 12, 21, 22, 23), 30) + timedelta(days=self.chance.randint(-200, 200))

    def people(self):
        self.associations = [make.association(name=f"{self.pick(*LAST)} vzw {n}", active=n % 3 > 0) for n in range(6)]
        self.participants = [
            make.participant(
                first_name=self.pick(*FIRST),
                last_name=self.pick(*LAST),
                birth_date=self.day() - YEARS,
                email=self.pick("", "Lot@kavo.test", "an@kavo.test"),
            )
            for _ in range(45)
        ]
        for _ in range(12):
            make.user(
                self.pick("manager", "team", None),
                first_name=self.pick(*FIRST),
                last_name=self.pick(*LAST),
                active=self.pick(True, False),
            )
        self.trajectories = []
        for person in self.participants:
            kinds = self.chance.sample(["animator", "head_animator", "instructor"], self.pick(1, 1, 2))
            for kind in kinds:
                made = make.trajectory(
                    participant=person,
                    type=kind,
                    association=self.pick(*self.associations),
                    course_started_on=date(2025, 1, self.chance.randint(1, 28)),
                )
                self.trajectories.append(made)

    def sites(self):
        self.places = []
        for number in range(40):
            self.places.append(
                make.site(
                    name=f"{self.pick('Speelplein', 'Jeugdhuis')} {self.pick(*FIRST)}",
                    municipality=self.pick(*PLACES),
                    state=self.pick("approved", "approved", "submitted", "rejected", "closed"),
                    recognition=self.pick("flemish", "municipal", "branch"),
                    animator=True,
                    head_animator=self.pick(True, False),
                    instructor=self.pick(True, False),
                    manager=self.jonas if number % 4 == 0 else None,
                )
            )

    def stages(self):
        for trajectory in self.trajectories:
            for _ in range(self.pick(0, 1, 2, 3)):
                start = self.pick(None, self.day(100))
                end = start + timedelta(days=14) if start and self.pick(True, False) else None
                made = make.placement(
                    trajectory=trajectory,
                    site=self.pick(*self.places),
                    hours=self.pick(5, 10, 12),
                    starts_on=start,
                    ends_on=end,
                    coupled_by=self.team,
                    created_at=self.moment(),
                )
                what = self.pick("open", "open", "positive", "negative", "cancelled")
                if what == "cancelled":
                    placements.cancel(made, self.team, make.NOW, "Ziek.", self.pick(True, False))
                elif what != "open":
                    make.evaluated(made, by=self.team, result=what, hours_done=3)

    def records(self):
        for number in range(50):
            person = self.pick(*FIRST)
            Mail.create(
                key=f"k{number}",
                kind="x",
                to_address=f"{normalise(person)}{number % 7}@kavo.test",
                subject=self.pick(*SUBJECTS),
                body="",
                message_id=f"m{number}",
                state=self.pick("pending", "sent", "failed"),
                created_at=self.moment(),
                sent_at=self.pick(None, self.moment()),
            )
            Lookup.create(
                user=self.pick(self.team, self.jonas),
                kavo_id=self.pick(*self.participants).kavo_id,
                at=self.moment(),
                found=self.pick(True, False),
                purpose=self.pick("koppelen aan A", "koppelen aan b"),
            )
        for _ in range(10):
            audit.record(None, "user.password", self.jonas, at=self.moment())

    # ---- requests

    def words(self):
        """Search texts: names and numbers, whole or only their beginning, with and without accents."""
        person = self.pick(*self.participants)
        text = self.pick(
            person.last_name,
            person.first_name,
            f"{person.first_name} {person.last_name}",
            person.kavo_id,
            person.kavo_id[:4],
            person.kavo_id.replace("-", ""),
            "an",
            "speel gent",
            "zzz",
            "%",
            "_",
            "o_",
            "100%",
            "hondt",
            "dhondt",
            "D’H",
            "kavo",
        )
        return self.pick(text, text[: self.chance.randint(1, 6)], text.upper())

    def arguments(self, view, one):
        args = MultiDict()
        if view.search_names and self.pick(True, False):
            args["q"] = self.words()
        for each in one.requested.filters:
            for given in each.inputs({}):
                if self.chance.random() < 0.25:
                    args[given["param"]] = self.value(given)
        if one.tabs and self.pick(True, False):
            args["tab"] = self.pick(*(name for name, _ in view.tab_choices))
        if self.pick(True, True, False):
            args["sort"] = self.pick("", "-") + self.pick(*view.sort_keys)
            args.setlist("kolom", [*view.list_names, *view.column_optional])
        args["page"] = str(self.pick(1, 1, 2, 3))
        return args

    def value(self, given):
        kind = given["kind"]
        if kind == "select":
            return self.pick(*(value for value, _ in given["options"]))
        return {"date": str(self.day(200)), "number": "10"}.get(kind) or self.words()


# ---- the model in plain Python


def begins(tokens, text) -> bool:
    return all(any(token.startswith(word) for token in tokens.split()) for word in searched(text)[:8])


def passes(one, args, row) -> bool:
    """Whether a row passes one filter."""
    value = dotted(row, one.name) if not isinstance(one, filters.AnyOfFilter) else None
    if isinstance(one, filters.DateFilter):
        bounds = [args.get(param) for param in one.params]
        day = local_date(value) if isinstance(value, datetime) else value
        first, last = (date.fromisoformat(bound) if bound else None for bound in bounds)
        return not (first and (day is None or day < first)) and not (last and (day is None or day > last))
    asked = args.get(one.param)
    if not asked:
        return True
    if isinstance(one, filters.AnyOfFilter):
        return getattr(row, asked)
    if isinstance(one, filters.YesNoFilter):
        return value is (asked == "1")
    if isinstance(one, filters.RelatedFilter):
        return not normalise(asked) or (value is not None and begins(value.search, asked))
    return str(value) == asked


def part_of(view, row):
    """The value that decides the tab of a row."""
    return row.status(view.today).key if view.tab_statuses else dotted(row, view.column_tabs)


def expected(view, rows, one, args):
    """The ids that the list must hold, in order."""
    found = [row for row in rows if all(passes(each, args, row) for each in one.requested.filters)]
    if args.get("q"):
        found = [row for row in found if begins(row.search, args["q"])]
    if args.get("tab"):
        parts = view.tab_parts(args["tab"])
        found = [row for row in found if part_of(view, row) in parts]
    name, down = one.requested.sort, one.requested.descending
    keys = view.sort_keys[name]

    def key(row):
        values = (part.value(row) for part in keys)
        return [str(value) if isinstance(value, date) else value for value in map(filled, keys, values)]

    def filled(part, value):
        return before_all(part.field) if value is None else value

    return [row.id for row in sorted(found, key=key, reverse=down)]


CASES = [
    ("placement", Placement, "team"),
    ("placement", Placement, "manager"),
    ("site", Site, "team"),
    ("site", Site, "manager"),
    ("participant", Participant, "team"),
    ("trajectory", Trajectory, "team"),
    ("association", Association, "team"),
    ("user", User, "team"),
    ("mail", Mail, "team"),
    ("history", History, "team"),
    ("lookup", Lookup, "team"),
]


def visible(model, role, made):
    """The rows that this person may see in the list, computed without `scope`."""
    rows = list(model.select())
    if role == "team":
        return rows
    own = {link.site_id for link in SiteManager.select().where(SiteManager.user == made.jonas)}
    if model is Site:
        return [row for row in rows if row.id in own or row.state == "approved"]
    return [row for row in rows if row.site_id in own]


@pytest.mark.parametrize("endpoint, model, role", CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_list_is_what_plain_python_makes_of_the_same_rows(app, endpoint, model, role, monkeypatch):
    monkeypatch.setattr(counting, "COUNT_UP_TO", 30)  # so that both kinds of list occur: counted completely, and capped
    made = Made(seed=len(endpoint))
    view = next(one for one in app.extensions["admin"][0]._views if one.endpoint == endpoint)
    rows, seen = visible(model, role, made), 0
    for _ in range(ASKED):
        with app.test_request_context("/"):
            g._login_user = made.team if role == "team" else made.jonas
            reach = view.reach()
            columns = view.public_columns if reach is scope.listed else None
            args = made.arguments(view, ListPage.of(view, view.by, MultiDict(), "/", reach=reach, columns=columns))
            one = ListPage.of(view, view.by, args, "/", reach=reach, columns=columns)
            want, got = expected(view, rows, one, args), [row.id for row in one.rows]
            assert got == want[(one.number - 1) * 25 : one.number * 25], args
            assert got or not want, args
            assert one.count == len(want) if one.is_counted else one.count <= len(want), args
            seen += len(got)
    assert seen > ASKED  # most requests found rows
