"""Decisions by the team: the queue, the decision with its undo, duplicates, proposed changes, closing."""

import re
from datetime import date, datetime, timedelta
from threading import Thread

import pytest

import audit
from admin_views.todo import next_application
from database import RuleError, database, normalise
from models import History, Mail, Placement, Proposal, Site
from tests import factories as make
from tests.visitor import Visitor
from times import local_date, utcnow
from workflow.accounts import registration
from workflow.sites import duplicates, proposals, sites
from workflow.stages import placements


@pytest.fixture
def team():
    return make.user("team", first_name="Kim", last_name="Van Acker", password=make.PASSWORD)


@pytest.fixture
def manager():
    return make.user(first_name="Noor", last_name="Jacobs", password=make.PASSWORD)


@pytest.fixture
def site(manager, now):
    return make.site(manager, state="submitted", name="Speelplein De Vlieger", submitted_at=now)


def decide(visitor, **values):
    """Send the form of the decision on the page of an application."""
    visitor.send(visitor.page.select_one("form[action$=beslissen]"), **values)


def letters(*kinds):
    return [mail.kind for mail in Mail.select().order_by(Mail.id) if not kinds or mail.kind in kinds]


def reload(row):
    return type(row).get_by_id(row.id)


# ---- the deadline


@pytest.mark.parametrize(
    "submitted", [datetime(2026, 3, 20, 12), datetime(2026, 10, 20, 12), datetime(2026, 7, 1, 22, 30)]
)
def test_day_14_is_in_time_and_day_15_is_not_over_both_changes_of_the_clock(submitted):
    site = make.site(state="submitted", submitted_at=submitted)
    first = local_date(submitted)
    last_minute = datetime.combine(first + timedelta(days=14), datetime.min.time()) + timedelta(hours=21, minutes=59)
    after = last_minute + timedelta(hours=2, minutes=1)

    assert (site.due_on - first).days == 14
    assert [site.day(submitted), site.day(last_minute), site.day(after)] == [0, 14, 15]
    assert (site.is_overdue(last_minute), site.is_overdue(after)) == (False, True)


# ---- deciding


def test_goedkeuren_is_one_click_and_its_mail_waits_10_minutes(app, team, manager, site):
    visitor = Visitor(app, team)
    visitor.get(f"/aanvragen/{site.id}/")
    decide(visitor, decision="approve", checked=["address", "single"])

    assert "Speelplein De Vlieger is goedgekeurd." in visitor.text
    assert reload(site).state == "approved"
    (mail,) = Mail.select()
    assert (mail.kind, mail.state, mail.to_address) == ("site_approved", "pending", manager.email)
    assert mail.next_at - mail.created_at == timedelta(minutes=10)
    line = History.get(History.verb == "site.approved")
    assert "Nagekeken: het adres klopt en het is geen dubbel" in audit.sentence(line)


def test_afkeuren_needs_a_reason_which_the_applicant_reads(app, team, site):
    visitor = Visitor(app, team)
    visitor.get(f"/aanvragen/{site.id}/")
    decide(visitor, decision="reject")
    assert "Schrijf waarom je afkeurt." in visitor.text
    assert reload(site).state == "submitted"
    visitor.send(
        visitor.page.select_one("form[action$=beslissen]"), decision="reject", ready="address", reason="Bel ons even."
    )

    assert reload(site).state == "rejected"
    for text in ("Het adres klopt niet met de erkenning.", "Bel ons even.", "/aanpassen"):
        assert text in Mail.get().body


def test_the_mails_are_shown_as_they_will_leave(app, team, site):
    visitor = Visitor(app, team)
    visitor.get(f"/aanvragen/{site.id}/")
    shown = [one.get_text(" ", strip=True) for one in visitor.page.select(".mail")]
    now = utcnow()
    sites.approve(reload(site), team, now)
    mail = Mail.get()

    assert normalise(shown[0].replace("[link]", "")) == normalise(
        f"{mail.subject} {mail.body}".replace("http://localhost:8000/stageplaatsen/?eigen=1", "")
    )


def test_beslis_en_volgende_leads_to_the_next_deadline(app, team, site, now):
    later = make.site(make.user(), state="submitted", submitted_at=now + timedelta(days=2))
    waits = make.site(make.user(), state="submitted", submitted_at=now - timedelta(days=2))
    sites.ask(waits, team, now, "Wie?")
    visitor = Visitor(app, team)
    visitor.get(f"/aanvragen/{site.id}/")
    decide(visitor, decision="approve", then_next="y")

    assert visitor.path.startswith(f"/aanvragen/{later.id}/")
    assert "Vergiste je je bij Speelplein De Vlieger" in visitor.text
    assert visitor.page.select_one(f"form[action='/aanvragen/{site.id}/undo']")
    assert visitor.page.select_one("[name=then_next]") is None  # there are no more
    assert next_application(now) == later


def test_of_two_members_one_decides_and_the_other_reads_who_and_when(app, team, site):
    other = make.user("team", password=make.PASSWORD)
    first, second = Visitor(app, team), Visitor(app, other)
    for one in (first, second):
        one.get(f"/aanvragen/{site.id}/")
    decide(first, decision="approve")
    decide(second, decision="reject", reason="Nee.")

    assert "al behandeld door Kim Van Acker op" in second.text
    assert "De status is nu: goedgekeurd." in second.text
    assert letters() == ["site_approved"]


def test_decisions_at_the_same_moment_have_one_outcome(team, site, now):
    outcomes = []

    def try_to(verb):
        with database.connection_context():
            try:
                verb(Site.get_by_id(site.id), team, now)
                outcomes.append("done")
            except RuleError:
                outcomes.append("refused")

    database.close()
    acts = [
        sites.approve,
        lambda *args: sites.reject(*args, reason="Nee."),
        lambda site, by, at: registration.withdraw(site, by, at),
    ]
    threads = [Thread(target=try_to, args=(acts[number % 3],)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database.connect()

    assert outcomes.count("done") == 1
    assert Mail.select().count() == 1


@pytest.mark.parametrize("minutes, undone", [(9, True), (10, False)])
def test_a_decision_can_be_undone_for_10_minutes(team, site, now, minutes, undone):
    sites.approve(site, team, now)
    moment = now + timedelta(minutes=minutes)

    if undone:
        sites.undo(reload(site), team, moment)
        assert reload(site).state == "submitted"
        assert (reload(site).decided_by, Mail.select().count(), reload(site).due_on) == (None, 0, date(2026, 7, 15))
    else:
        with pytest.raises(RuleError, match="al vertrokken"):
            sites.undo(reload(site), team, moment)
        assert (reload(site).state, Mail.select().count()) == ("approved", 1)


@pytest.mark.parametrize("state", ["claimed", "sent"])
def test_a_decision_whose_mail_left_is_not_undone(team, site, now, state):
    sites.approve(site, team, now)
    Mail.update(state=state, attempts=1).execute()

    with pytest.raises(RuleError, match="al vertrokken"):
        sites.undo(reload(site), team, now + timedelta(minutes=1))


def test_a_manager_does_not_read_of_a_decision_that_was_undone(app, team, manager, site):
    sites.reject(site, team, utcnow(), "Vergissing.")
    sites.undo(reload(site), team, utcnow())
    sites.approve(reload(site), team, utcnow())
    pages = {}
    for person in (team, manager):
        visitor = Visitor(app, person)
        visitor.get(f"/stageplaatsen/details/?id={site.id}")
        pages[person] = visitor.text

    assert "Vergissing" in pages[team]
    assert "Vergissing" not in pages[manager]
    assert "ongedaan" not in pages[manager]
    assert "keurde de stageplaats" in pages[manager]


def test_heropenen_needs_a_reason_and_gives_a_new_term(app, team, manager, site, now):
    sites.approve(site, team, now)
    Mail.update(state="sent").execute()
    with pytest.raises(RuleError, match="Schrijf waarom"):
        sites.reopen(reload(site), team, now, " ")
    sites.reopen(reload(site), team, now + timedelta(days=30), "De gemeente meldde iets.")

    assert (reload(site).state, reload(site).due_on) == ("submitted", date(2026, 8, 14))
    assert "De gemeente meldde iets." in Mail.get(Mail.kind == "application_reopened").body


def test_a_note_is_for_colleagues_only(app, team, manager, site, now):
    sites.note(site, team, now, "Geheime notitie")
    visitor = Visitor(app, team)
    visitor.get(f"/aanvragen/{site.id}/")
    assert "Geheime notitie" in visitor.text
    visitor = Visitor(app, manager)
    for path in (f"/stageplaatsen/details/?id={site.id}", registration.links.application(site, now)):
        visitor.get(path)
        assert "Geheime notitie" not in visitor.page.get_text()


def test_the_queue_has_the_oldest_deadline_first_and_what_waits_for_the_applicant_last(app, team, now):
    today = utcnow()
    for name, days in (("Vandaag", 14), ("Te laat", 16), ("Later", 1), ("Wacht", 15)):
        made = make.site(make.user(), state="submitted", name=name, submitted_at=today - timedelta(days=days))
        if name == "Wacht":
            sites.ask(made, team, today, "Wie?")
    visitor = Visitor(app, team)
    visitor.get("/te-behandelen/")

    lines = [one.get_text(" ", strip=True) for one in visitor.page.select(".tasks > li")]
    assert [line.split(",")[0] for line in lines] == ["Te laat", "Vandaag", "Later", "Wacht"]
    assert [re.search(r"dag (\d+) van 14", line).group(1) for line in lines] == ["16", "14", "1", "15"]
    assert "moest op" in lines[0]
    assert "de termijn staat stil" in lines[3]


def test_mails_that_did_not_arrive_are_counted_in_red(app, team, site, now):
    sites.approve(site, team, now)
    Mail.update(state="failed", error="550 no such mailbox").execute()
    visitor = Visitor(app, team)
    visitor.get("/te-behandelen/")

    assert "1 e-mail kwam niet aan." in visitor.text
    assert visitor.page.select_one(".menu-group .count.bad").get_text().startswith("1")
    visitor.get("/mails/")
    visitor.send(visitor.page.select_one("#acties"), one=f"send_again:{Mail.get().id}")
    visitor.get("/te-behandelen/")
    assert "kwam niet aan" not in visitor.text


# ---- duplicates


@pytest.mark.parametrize(
    "values, why",
    [
        ({"name": "Speelplein De Vliegers", "postcode": "9050"}, "Bijna zelfde naam"),
        ({"name": "SPEELPLEIN DE VLIEGER", "postcode": "3500"}, "Zelfde naam"),
        ({"street": "Dorpsstraat 12"}, "Zelfde straat"),
        ({"postcode": "1000", "phone": "0470/12.34.56"}, "Zelfde telefoonnummer"),
        ({"postcode": "1000", "email": "info@vlieger.kavo.test"}, "Zelfde e-mailadres"),
        ({"postcode": "9050"}, None),
        ({"name": "Speelplein Zonnebloem", "street": "Markt 1"}, None),
        ({"name": "Speelplein De Vliegers", "postcode": "3500"}, None),
        ({"street": "Dorpsstraat 12", "state": "withdrawn"}, None),
    ],
)
def test_a_site_that_looks_like_another_is_shown_with_the_reason(values, why):
    mine = make.site(name="Speelplein De Vlieger", phone="0470 12 34 56", email="info@vlieger.kavo.test")
    make.site(**{"name": "Jeugdhuis Kompas", "street": "Kerkplein 3", **values})

    assert [one.why for one in duplicates.similar(mine)] == ([why] if why else [])


def test_sites_of_somebody_with_the_same_phone_are_duplicates_but_own_sites_are_not():
    noor = make.user(phone="0470 12 34 56")
    mine = make.site(noor, name="Speelplein De Vlieger")
    make.site(noor, name="Jeugdhuis Kompas", postcode="1000", street="Kerkplein 3")
    other = make.site(make.user(phone="0470/123456"), name="Jeugdhuis Tij", postcode="1000", street="Markt 3")

    assert [(one.site, one.why) for one in duplicates.similar(mine)] == [(other, "Zelfde telefoonnummer")]


# ---- proposed changes


def test_a_change_of_name_goes_to_the_team_and_is_then_made(app, team, manager, now):
    site = make.site(manager)
    visitor = Visitor(app, manager)
    visitor.get(f"/stageplaats/{site.id}/wijziging")
    visitor.send(name="Speelplein Zeppelin", postcode="280")
    assert "Een Belgische postcode heeft 4 cijfers." in visitor.text
    visitor.send(name="Speelplein Zeppelin", postcode="2800", municipality="Mechelen")
    assert reload(site).name == site.name

    visitor = Visitor(app, team)
    visitor.get("/te-behandelen/")
    assert "Wijziging In behandeling Noor Jacobs" in visitor.text
    visitor.get(f"/aanvragen/wijziging/{Proposal.get().id}/")
    assert "Speelplein Zeppelin" in visitor.text
    visitor.send(decision="approve")

    changed = reload(site)
    assert (changed.name, changed.municipality, changed.search) == (
        "Speelplein Zeppelin",
        "Mechelen",
        "speelplein zeppelin mechelen 2800",
    )
    assert letters() == ["proposal_decided"]
    with pytest.raises(RuleError, match="al behandeld door Kim"):
        proposals.refuse(Proposal.get(), team, now, "Nee.")


def test_a_change_is_refused_with_a_reason_or_taken_back(team, manager, now):
    site = make.site(manager)
    values = {name: getattr(site, name) for name in Site.IDENTITY}
    with pytest.raises(RuleError, match="Je wijzigde niets"):
        proposals.propose(site, manager, now, **values)
    first = proposals.propose(site, manager, now, **{**values, "name": "Anders"})
    with pytest.raises(RuleError, match="Er ligt al een wijziging"):
        proposals.propose(site, manager, now, **{**values, "name": "Nog anders"})
    with pytest.raises(RuleError, match="Schrijf waarom"):
        proposals.refuse(first, team, now, "")
    proposals.refuse(first, team, now, "Die naam bestaat al.")
    second = proposals.propose(site, manager, now, **{**values, "name": "Nog anders"})
    proposals.withdraw(second, manager, now)

    assert "Die naam bestaat al." in Mail.get().body
    assert (reload(site).name, reload(second).state) == (site.name, "withdrawn")


# ---- closing


@pytest.mark.parametrize("choice, state", [("keep", "open"), ("cancel", "cancelled")])
def test_closing_asks_what_happens_to_running_stages(app, manager, choice, state):
    placement = make.placement(site=make.site(manager), hours=20)
    done = make.evaluated(make.placement(site=placement.site))
    visitor = Visitor(app, manager)
    visitor.get(f"/stageplaats/{placement.site_id}/sluiten")
    assert "Er loopt nog 1 stage." in visitor.text
    visitor.send(reason=" ")
    assert "Schrijf waarom de stageplaats sluit." in visitor.text
    visitor.send(reason="De werking stopt.", running=choice)

    site = reload(placement.site)
    assert (site.state, site.reason) == ("closed", "De werking stopt.")
    assert (reload(placement).state, reload(done).state) == (state, "evaluated")
    assert reload(placement.trajectory).hours_used == (20 if choice == "keep" else 0)
    with pytest.raises(RuleError):
        placements.couple(make.trajectory(), site, 5, manager, utcnow())


def test_a_closed_site_can_be_opened_again_by_the_team(team, manager, now):
    site = make.site(manager)
    sites.close(site, team, now, "Gestopt.", False)
    assert letters() == ["site_closed"]
    sites.reopen(reload(site), team, now, "Toch niet.")

    assert (reload(site).state, reload(site).reason) == ("approved", "")
    assert letters() == ["site_closed", "site_opened"]
    assert Placement.select().count() == 0


# ---- periods


def test_own_periods_are_added_kept_and_taken_away_in_the_form(app, manager):
    site = make.site(manager)
    visitor = Visitor(app, manager)
    path = f"/stageplaatsen/edit/?id={site.id}"
    visitor.get(path)
    visitor.send(own_from="2027-07-05", own_to="2027-07-16")
    assert [str(period) for period in site.periods] == ["Zomervakantie", "05/07/2027 tot 16/07/2027"]
    visitor.get(path)
    visitor.send(phone="09 311 11 11")
    assert site.periods.count() == 2
    visitor.get(path)
    visitor.send(periods=["2027-07-05..2027-07-16"])
    assert [str(period) for period in site.periods] == ["05/07/2027 tot 16/07/2027"]
    visitor.get(path)
    visitor.send(periods=[])
    assert "Kies minstens één periode" in visitor.text
