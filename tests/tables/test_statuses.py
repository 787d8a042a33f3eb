"""The status of a row: the same words in the same colour, and the same side's turn, on every list, page, timeline, work list,
queue, overview, filter, export and mail, for every state before, on and after the day of its deadline."""

import csv
import io
from dataclasses import dataclass
from datetime import date, timedelta

import mails
from models import (
    Handover,
    LinkRequest,
    Mail,
    Placement,
    Proposal,
    Site,
    Trajectory,
    statuses,
)
from tests import factories as make
from tests.visitor import Visitor
from times import local_date, utcnow
from workflow.stages import finals, timeline

BEFORE, ON, AFTER = 1, 0, -1
"""days from today to a deadline"""


@dataclass
class Expected:
    words: str
    tone: str
    turn: str = ""


class Once:
    """Whether a value is new: only one page per status is opened."""

    def __init__(self):
        self.seen = []

    def __call__(self, what) -> bool:
        new = what not in self.seen
        self.seen.append(what)
        return new


def day(offset: int) -> date:
    return local_date(utcnow()) + timedelta(days=offset)


def put(row, **values):
    """Store these values bypassing all rules: rows left by the clock or an old release."""
    if values:
        type(row).update(values).where(type(row).id == row.id).execute()
    return type(row).get_by_id(row.id)


# ---- reading screens


def shown(place) -> tuple[str, str]:
    """(words, tone) of the status in a part of a page."""
    (mark,) = [one for one in place.select(".state") if "kind" not in one["class"]]
    return mark.get_text(), next((one for one in mark["class"] if one != "state"), "")


def cells(visitor, column="Status") -> dict[str, tuple[tuple[str, str], str]]:
    """Small print of a row's first cell, or else its text → (words and tone, second line) in this column of the list."""
    found = {}
    for row in visitor.page.select("table.list tbody tr"):
        name, cell = row.select_one("th"), row.select_one(f"td[data-label='{column}']")
        key = (name.select_one("small") or name).get_text()
        small = cell.select_one("small")
        found[key] = shown(cell), small.get_text() if small else ""
    return found


def exported(visitor, path, key) -> dict[str, str]:
    """Key → word in the column Status of an export."""
    text = visitor.get(path).get_data(as_text=True).removeprefix("\ufeff")
    return {line[key]: line["Status"] for line in csv.DictReader(io.StringIO(text), delimiter=";")}


def tabbed(visitor, path, keys) -> dict[str, set[str]]:
    """Words of a tab → small print of the rows in it."""
    visitor.get(path)
    links = {one.contents[0].strip(): one["href"] for one in visitor.page.select(".tabs a")}
    found = {}
    for words, url in links.items():
        visitor.get(url)
        found[words] = set(cells(visitor)) & set(keys)
    return found


# ---- trajectories


def trajectories(association) -> dict[str, tuple[Trajectory, Expected]]:
    """KAVO-ID → a trajectory in each state on each day, and its expected status."""
    made = {}

    def add(offset, expected, hours=0, done=0, **values):
        trajectory = make.trajectory(association=association)
        if done:
            make.evaluated(make.placement(trajectory=trajectory, hours=done))
        if hours:
            make.placement(trajectory=trajectory, hours=hours, ends_on=day(-3))
        trajectory = put(trajectory, ends_on=day(offset), **values)
        made[trajectory.participant.kavo_id] = trajectory, expected

    for offset in (BEFORE, ON, AFTER):
        late = Expected("Termijn voorbij", "bad", "het team") if offset == AFTER else None
        add(offset, late or Expected("Loopt", "busy", "de deelnemer"))
        add(offset, late or Expected("Loopt", "busy", "de stageplaats"), hours=20)
        add(offset, late or Expected("Loopt", "busy", "de vereniging"), done=50)
        add(offset, Expected("Stopgezet", ""), state="stopped")
        add(offset, Expected("Niet geslaagd", "bad"), done=50, state="finished", outcome="failed")
        add(offset, Expected("Geslaagd", "wait", "het team"), done=50, state="finished", outcome="passed")
        add(offset, Expected("Attest uitgereikt", "good"), done=50, state="finished", outcome="attested")
    return made


def test_a_trajectory_is_at_the_same_everywhere(app):
    association = make.association()
    hilde = make.user("association", association=association, password=make.PASSWORD)
    made = trajectories(association)
    ready = {key for key, (_, expected) in made.items() if expected.turn == "de vereniging"}
    for visitor in (Visitor(app, make.user("team", password=make.PASSWORD)), Visitor(app, hilde)):
        first = Once()
        visitor.get("/trajecten/?rijen=50")
        in_list = cells(visitor)
        files = exported(visitor, "/trajecten/export/csv/", "KAVO-ID")
        for key, (trajectory, expected) in made.items():
            told = (expected.words, expected.tone)
            turn = f"aan zet: {expected.turn}" if expected.turn else ""
            assert in_list[key] == (told, turn)
            assert files[key] == expected.words
            if not first(expected):
                continue
            visitor.get(f"/trajecten/details/?id={trajectory.id}")
            assert shown(visitor.page.select_one("#aan-zet").parent) == told
            assert turn in visitor.text
            assert ("Niemand :" in visitor.text) is not bool(expected.turn)
            visitor.get(f"/deelnemers/details/?id={trajectory.participant_id}")
            assert cells_of_participant(visitor) == told
        tabs = tabbed(visitor, "/trajecten/?rijen=50", made)
        for words in ("Loopt", "Termijn voorbij", "Stopgezet"):
            assert tabs[words] == {key for key, (_, one) in made.items() if one.words == words}
        finished = {"Geslaagd", "Niet geslaagd", "Attest uitgereikt"}
        assert tabs["Afgewerkt"] == {key for key, (_, one) in made.items() if one.words in finished}
        visitor.get("/klaar-voor-eindevaluatie/")
        assert set(cells(visitor)) == ready
        for key in made:
            if key in ready:
                assert cells(visitor)[key] == (("Loopt", "busy"), "aan zet: de vereniging")
    visitor = Visitor(app, hilde)
    visitor.get("/te-doen/")
    (task,) = [one for one in visitor.page.select(".tasks li") if "Klaar voor eindevaluatie" in one.get_text()]
    assert task.select_one(".day").get_text() == str(len(ready))


def cells_of_participant(visitor):
    return shown(visitor.page.select_one("td[data-label='Status']"))


def test_the_overview_counts_the_same_as_the_lists(app):
    made = trajectories(make.association())
    team = Visitor(app, make.user("team", password=make.PASSWORD))
    team.get("/overzicht/?per=type")
    (row,) = team.page.select("table.list tbody tr")[:1]
    numbers = {one["data-label"]: int(one.get_text()) for one in row.select("td")}
    for words in ("Termijn voorbij", "Stopgezet", "Niet geslaagd"):
        assert numbers[words] == sum(expected.words == words for _, expected in made.values())
    passed = {"Geslaagd", "Attest uitgereikt"}
    assert numbers["Geslaagd"] == sum(expected.words in passed for _, expected in made.values())
    assert "Verlopen" not in team.text


# ---- placements


def placements(site, association) -> dict[str, tuple[Placement, Expected]]:
    made = {}

    def add(expected, evaluated="", **values):
        placement = make.placement(site=site, trajectory=make.trajectory(association=association))
        if evaluated:
            make.evaluated(placement, result=evaluated, motivation="Zo was het.")
        placement = put(placement, **values)
        made[placement.trajectory.participant.kavo_id] = placement, expected

    for ends in (BEFORE, ON, AFTER):
        over = Expected("Te beoordelen", "wait") if ends == AFTER else None
        add(over or Expected("Stage loopt", "busy"), ends_on=day(ends))
        add(over or Expected("Stage loopt", "busy"), starts_on=day(-9), ends_on=day(ends))
        add(Expected("Positief", "good"), "positive", ends_on=day(ends))
        add(Expected("Negatief", "bad"), "negative", ends_on=day(ends))
        add(Expected("Geannuleerd", ""), state="cancelled", finished=True, counted=0, reason="Ziek.", ends_on=day(ends))
    add(Expected("Stage loopt", "busy"))
    add(Expected("Stage gepland", "busy"), starts_on=day(2), ends_on=day(9))
    add(Expected("Stage gepland", "busy"), starts_on=day(1))
    add(Expected("Stage loopt", "busy"), starts_on=day(0))
    return made


def test_a_placement_is_at_the_same_everywhere(app):
    association, jonas = make.association(), make.user(password=make.PASSWORD)
    site = make.site(manager=jonas)
    made = placements(site, association)
    late = {key for key, (_, expected) in made.items() if expected.words == "Te beoordelen"}
    hilde = make.user("association", association=association, password=make.PASSWORD)
    for user in (make.user("team", password=make.PASSWORD), jonas, hilde):
        visitor, first = Visitor(app, user), Once()
        visitor.get("/gekoppelde-deelnemers/?rijen=50")
        in_list = cells(visitor)
        files = exported(visitor, "/gekoppelde-deelnemers/export/csv/", "KAVO-ID")
        visitor.get(f"/stageplaatsen/{site.id}/deelnemers/?rijen=50")
        of_site = cells(visitor)
        for key, (placement, expected) in made.items():
            told = (expected.words, expected.tone)
            assert in_list[key][0] == of_site[key][0] == told
            assert files[key] == expected.words
            if not first(expected):
                continue
            visitor.get(f"/gekoppelde-deelnemers/beoordelen/?id={placement.id}")
            assert shown(visitor.page.select_one(".page-head")) == told
        tabs = tabbed(visitor, "/gekoppelde-deelnemers/?rijen=50", made)
        done = {key for key, (_, expected) in made.items() if expected.words in ("Positief", "Negatief", "Geannuleerd")}
        assert (tabs["Klaar"], tabs["Bezig"]) == (done, set(made) - done)
        if user is not hilde:
            visitor.get("/stageplaatsen/?eigen=1" if user is jonas else "/stageplaatsen/")
            assert f"{len(late)} te beoordelen" in visitor.text
        else:
            visitor.get("/te-doen/")
            (task,) = [one for one in visitor.page.select(".tasks li") if "te beoordelen" in one.get_text()]
            assert task.select_one(".day").get_text() == str(len(late))


# ---- applications, proposals and handovers


def applications(manager) -> dict[str, tuple[Site, Expected, str]]:
    """Name → a site in each state on each day, its expected status, and the second line in the list."""
    made = {}

    def add(name, offset, expected, small="", **values):
        site = make.site(
            name=name, manager=manager, state="submitted", submitted_at=utcnow() - timedelta(days=14 - offset)
        )
        made[name] = put(site, **values), expected, small

    for offset in (BEFORE, ON, AFTER, -2):
        number = 14 - offset
        told = Expected(f"Te laat: dag {number} van 14", "bad", "het team") if offset < 0 else None
        small = "aan zet: het team" if told else f"dag {number} van 14"
        add(f"Plein {offset} open", offset, told or Expected("In behandeling", "busy", "het team"), small)
        paused = {"paused_at": utcnow() - timedelta(days=3)}
        add(
            f"Plein {offset} wacht",
            offset,
            Expected("Wacht op de aanvrager", "wait", "de aanvrager"),
            f"de termijn staat stil op dag {number - 3} van 14",
            **paused,
        )
        decided = {"decided_at": utcnow(), "reason": "Daarom."}
        for state, words, tone in (
            ("approved", "Goedgekeurd", "good"),
            ("rejected", "Niet goedgekeurd", "bad"),
            ("withdrawn", "Ingetrokken", ""),
            ("closed", "Gesloten", ""),
        ):
            add(f"Plein {offset} {state}", offset, Expected(words, tone), state=state, **decided)
    return made


def test_an_application_has_the_same_status_everywhere_even_for_the_applicant(app):
    jonas = make.user(password=make.PASSWORD)
    made = applications(jonas)
    team, applicant = Visitor(app, make.user("team", password=make.PASSWORD)), Visitor(app, jonas)
    for visitor, path in ((team, "/stageplaatsen/?rijen=50"), (applicant, "/stageplaatsen/?eigen=1&rijen=50")):
        first = Once()
        visitor.get(path)
        in_list = by_name(visitor)
        files = exported(visitor, path.replace("/?", "/export/csv/?"), "Naam")
        for name, (site, expected, small) in made.items():
            told = (expected.words, expected.tone)
            assert in_list[name] == (told, small)
            assert files[name] == expected.words
            if not first(expected):
                continue
            visitor.get(f"/stageplaatsen/details/?id={site.id}")
            assert shown(visitor.page.select_one(".facts")) == told
            visitor.get(f"/aanvragen/{site.id}/" if visitor is team else f"/aanvraag/{site.id}")
            head = visitor.page.select_one(".page-head") if visitor is team else visitor.page.select_one("main")
            assert shown(head) == told
        visitor.get(path)
        for link in [(one.contents[0].strip(), one["href"]) for one in visitor.page.select(".tabs a")][1:]:
            visitor.get(link[1])
            assert set(by_name(visitor)) == {
                name for name, (_, one, _) in made.items() if one.words.startswith(link[0])
            }
    team.get("/te-behandelen/")
    queue = {one.select_one("h3").get_text().rpartition(",")[0]: one for one in team.page.select(".tasks li")}
    waiting = {name: one for name, one in made.items() if one[1].turn}
    assert set(queue) == set(waiting)
    for name, (_, expected, _) in waiting.items():
        assert shown(queue[name]) == (expected.words, expected.tone)
        group = queue[name].find_previous("h2").contents[0].strip()
        assert (group == "Te laat") is expected.words.startswith("Te laat")
    now = utcnow()
    mail = mails.team_reminder(
        "applications_overdue", [site for site, one, _ in made.values() if one.tone == "bad"], now
    )
    assert "Te laat: dag 15 van 14" in mail.body
    assert "Te laat: dag 16 van 14" in mail.body


def by_name(visitor):
    found = {}
    for row in visitor.page.select("table.list tbody tr"):
        cell = row.select_one("td[data-label='Status']")
        small = cell.select_one("small")
        found[row.select_one("th").get_text()] = shown(cell), small.get_text() if small else ""
    return found


def test_a_change_of_a_site_is_at_the_same_everywhere(app):
    jonas, kim = make.user(password=make.PASSWORD), make.user("team", password=make.PASSWORD)
    team, manager = Visitor(app, kim), Visitor(app, jonas)
    for offset in (BEFORE, ON, AFTER):
        for state, words, tone in (
            (
                "open",
                f"Te laat: dag {14 - offset} van 14" if offset < 0 else "In behandeling",
                "bad" if offset < 0 else "busy",
            ),
            ("accepted", "Goedgekeurd", "good"),
            ("refused", "Niet goedgekeurd", "bad"),
            ("withdrawn", "Ingetrokken", ""),
        ):
            site = make.site(manager=jonas)
            asked = Proposal(
                site=site,
                by=jonas,
                name="Nieuw plein",
                recognition="municipal",
                street="Dorpsstraat 2",
                postcode="9000",
                municipality="Gent",
                created_at=utcnow() - timedelta(days=14 - offset),
            )
            asked.save()
            asked = put(asked, state=state, reason="Daarom.", decided_at=utcnow(), decided_by=kim)
            team.get(f"/aanvragen/wijziging/{asked.id}/")
            assert shown(team.page.select_one(".page-head")) == (words, tone)
            if state == "open":
                manager.get(f"/stageplaats/{site.id}/wijziging")
                assert shown(manager.page) == (words, tone)
                team.get("/te-behandelen/")
                (task,) = [one for one in team.page.select(".tasks li") if str(site) in one.get_text()]
                assert shown(task) == (words, tone)
            elif state != "withdrawn":
                assert f"is {words.lower()}" in mails.proposal_decided(asked, utcnow()).subject


def test_a_handover_is_at_the_same_everywhere(app):
    jonas, noor = make.user(password=make.PASSWORD), make.user(password=make.PASSWORD)
    kim = make.user("team", password=make.PASSWORD)
    made = {}
    for offset in (BEFORE, ON, AFTER):
        late = offset < 0
        number = f"dag {14 - offset} van 14"
        for state, expected, small, due in (
            (
                "open",
                Expected("Wacht op antwoord", "bad" if late else "busy", "de verantwoordelijke"),
                f"te laat: {number}" if late else number,
                day(offset),
            ),
            (
                "escalated",
                Expected("Het team beslist", "bad" if late else "wait", "het team"),
                f"te laat: {number}" if late else number,
                day(offset),
            ),
            ("accepted", Expected("Goedgekeurd", "good"), "", None),
            ("refused", Expected("Niet goedgekeurd", "bad"), "", None),
            ("withdrawn", Expected("Ingetrokken", ""), "", None),
        ):
            site = make.site(manager=jonas, name=f"Huis {offset} {state}")
            handover = Handover(
                site=site,
                requester=noor,
                asked=jonas,
                email=noor.email,
                created_at=utcnow() - timedelta(days=14 - offset),
            )
            handover.save()
            values = {"decided_at": utcnow(), "decided_by": kim, "reason": "Daarom."} if due is None else {}
            if state == "escalated":
                values = {"due_on": day(offset - 20), "team_due_on": day(offset)}
            made[site.name] = put(handover, state=state, **values), expected, small, due
    for user in (kim, jonas, noor):
        visitor, first = Visitor(app, user), Once()
        visitor.get("/overdrachten/?rijen=50")
        rows = {row.select_one("th").contents[0]: row for row in visitor.page.select("table.list tbody tr")}
        files = exported(visitor, "/overdrachten/export/csv/", "Stageplaats")
        for name, (handover, expected, small, due) in made.items():
            told = (expected.words, expected.tone)
            cell = rows[name].select_one("td[data-label='Status']")
            assert shown(cell) == told
            assert files[name] == expected.words
            if due:
                assert cell.select_one("small").get_text() == small
                assert rows[name].select_one("td[data-label='Beslissen tegen']").get_text() == f"{due:%d/%m/%Y}"
            if not first(expected):
                continue
            visitor.get(f"/overdrachten/{handover.id}/")
            assert shown(visitor.page.select_one(".page-head")) == told
            assert small.removeprefix("te laat: ") in visitor.text
    team = Visitor(app, kim)
    team.get("/te-behandelen/")
    for name, (_, expected, _, _) in made.items():
        tasks = [one for one in team.page.select(".tasks li") if name in one.get_text()]
        assert [shown(one) for one in tasks] == ([("Het team beslist", expected.tone)] if "escalated" in name else [])
    now = utcnow()
    escalated, refused = made["Huis 1 escalated"][0], made["Huis 1 refused"][0]
    assert mails.handover_escalated(escalated, now).subject.startswith("Het team beslist")
    mails.handover_refused(refused, now)
    assert "niet goedgekeurd" in Mail.select().where(Mail.kind == "handover_refused").first().body


# ---- a row and its table agree


def rows_of_every_kind():
    association, jonas, kim = make.association(), make.user(), make.user("team")
    trajectories(association)
    placements(make.site(manager=jonas), association)
    applications(jonas)
    for state in Proposal.STATES:
        for offset in (BEFORE, ON, AFTER):
            row = Proposal(
                site=make.site(),
                by=jonas,
                name="x",
                recognition="municipal",
                street="s 1",
                postcode="9000",
                municipality="Gent",
                created_at=utcnow() - timedelta(days=14 - offset),
            )
            row.save()
            put(row, state=state)
    for state in Handover.STATES:
        for offset in (BEFORE, ON, AFTER):
            row = Handover(
                site=make.site(), requester=jonas, email="a@b.be", created_at=utcnow() - timedelta(days=14 - offset)
            )
            row.save()
            put(row, state=state, team_due_on=day(offset) if state == "escalated" else None)
    for state in LinkRequest.STATES:
        for offset in (BEFORE, ON, AFTER):
            asked = LinkRequest(
                user=make.user(), created_at=utcnow() - timedelta(days=14 - offset), issuer="i", subject="s"
            )
            asked.save()
            put(asked, state=state, decided_by=kim)


TABLES = [
    (Trajectory, statuses.TRAJECTORY),
    (Placement, statuses.PLACEMENT),
    (Site, statuses.APPLICATION),
    (Proposal, statuses.PROPOSAL),
    (Handover, statuses.HANDOVER),
    (LinkRequest, statuses.LINK),
]


def test_the_condition_of_a_table_is_that_of_its_rows_and_exactly_one_kind_fits_each():
    rows_of_every_kind()
    for model, declared in TABLES:
        seen = set()
        for today in (day(-1), day(0), day(1)):
            rows = {row.id: row for row in model.select()}
            column = dict(model.select(model.id, declared.column(model, today)).tuples())
            for row in rows.values():
                fitting = [key for key, kind in declared.kinds.items() if kind.fits(row, today)]
                assert fitting == [column[row.id]] == [row.status(today).key], model
                values = [getattr(row, name) for name in declared.columns]
                assert declared.of_values(values, today).words == row.status(today).words
                seen.add(fitting[0])
            for key in declared.kinds:
                found = {pk for (pk,) in model.select(model.id).where(declared.where(model, today, key)).tuples()}
                assert found == {pk for pk, row in rows.items() if row.status(today).key == key}
        assert seen >= set(declared.kinds) - {"finished"}, model


def test_ready_trajectories_are_those_where_it_is_the_associations_turn():
    rows_of_every_kind()
    for today in (day(-1), day(0), day(1)):
        ready = {pk for (pk,) in Trajectory.select(Trajectory.id).where(finals.ready(today)).tuples()}
        rows = list(Trajectory.select())
        waiting = timeline.waiting_of(rows)
        assert ready == {row.id for row in rows if row.status(today, waiting[row.id]).turn == statuses.ASSOCIATION}
        for row in rows:
            assert timeline.whose_turn(row, waiting[row.id], today).side == row.status(today).turn
