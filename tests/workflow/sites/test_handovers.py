"""Handovers: the request, answers with and without log-in, the team, a successor, and that exactly one outcome counts."""

from datetime import date, timedelta

import pytest

from database import RuleError, readings
from mails import links
from models import Evaluation, Handover, History, Mail, Placement, SiteManager, Token, User, UserRole
from scope import NotYours
from tests import factories as make
from tests.public_pages.test_registration import path_in, typed
from tests.visitor import Visitor
from times import utcnow
from workflow import clock
from workflow.sites import handovers, sites

DAY = timedelta(days=1)


@pytest.fixture
def an():
    return make.user(first_name="An", last_name="Maes", phone="0470 11 11 11", password=make.PASSWORD)


@pytest.fixture
def bram():
    return make.user(first_name="Bram", last_name="Wouters", phone="0470 22 22 22", password=make.PASSWORD)


@pytest.fixture
def kelder(an):
    return make.site(an, name="Jeugdhuis De Kelder")


def ask(site, by, now, phone="0470 22 22 22"):
    return handovers.ask(site, by, by.email, phone, now)


def kinds(to=None):
    query = Mail.select().order_by(Mail.id)
    return [mail.kind for mail in (query.where(Mail.to_address == to.email) if to else query)]


def link_of(kind):
    return path_in(Mail.select().where(Mail.kind == kind).order_by(Mail.id.desc()).get())


# ---- requesting


def test_the_manager_gets_a_link_and_the_requester_a_receipt(an, bram, kelder, now):
    handover = ask(kelder, bram, now)

    assert (handover.state, handover.asked, handover.due_on) == ("open", an, date(2026, 7, 15))
    assert kinds() == ["handover_received", "handover_asked"]
    asked = Mail.get(Mail.kind == "handover_asked")
    assert asked.to_address == an.email
    assert "Bram Wouters wil het beheer van Jeugdhuis De Kelder" in asked.body
    assert bram.email not in asked.body
    received = Mail.get(Mail.kind == "handover_received")
    assert "An" not in received.body.split()
    assert an.email not in received.body


def test_the_page_says_what_is_transferred(an, bram, kelder, now):
    for ends_on in (date(2026, 7, 20), date(2026, 7, 1), date(2026, 6, 30), None):
        make.placement(site=kelder, ends_on=ends_on)

    assert str(handovers.moves(kelder, now)) == "3 lopende stages, 1 open beoordeling"


@pytest.mark.parametrize("state", ["submitted", "rejected", "withdrawn", "closed"])
def test_only_an_approved_site_can_be_taken_over(bram, now, state):
    with pytest.raises(RuleError, match="geen erkende stageplaats"):
        ask(make.site(make.user(), state=state), bram, now)


def test_a_manager_cannot_take_over_their_own_site_nor_ask_twice(an, bram, kelder, now):
    with pytest.raises(RuleError, match="Jij beheert Jeugdhuis De Kelder al"):
        ask(kelder, an, now)
    ask(kelder, bram, now)
    for other in (bram, make.user()):
        with pytest.raises(RuleError, match="Er loopt al een overdracht"):
            ask(kelder, other, now)


def test_after_a_refusal_the_requester_may_ask_again(an, bram, kelder, now):
    handovers.refuse(ask(kelder, bram, now), an, now, "Nee.")

    assert ask(kelder, bram, now + DAY).state == "open"


@pytest.mark.parametrize("inactive", [True, False])
def test_without_a_manager_who_can_answer_the_team_decides_at_once(bram, now, inactive):
    site = make.site(make.user(active=False) if inactive else None)

    handover = ask(site, bram, now)

    assert (handover.state, handover.team_due_on) == ("escalated", date(2026, 7, 15))
    assert "handover_asked" not in kinds()


def test_users_without_the_role_of_manager_cannot_ask(kelder, now):
    with pytest.raises(NotYours):
        ask(kelder, make.user("association"), now)


# ---- deciding


def test_acceptance_moves_the_site_with_all_its_placements_and_tells_both(an, bram, kelder, now):
    placements = [make.placement(site=kelder), make.evaluated(make.placement(site=kelder), by=an)]
    handover = ask(kelder, bram, now)

    handovers.accept(handover, an, now + DAY)

    stored = Handover.get_by_id(handover.id)
    assert (stored.state, stored.decided_by, stored.decided_at) == ("accepted", an, now + DAY)
    assert kelder.manager() == bram
    assert SiteManager.get(SiteManager.user == an).until == now + DAY
    assert {placement.site_id for placement in Placement.select()} == {kelder.id}
    assert len(placements) == 2
    assert kinds(an)[-1] == "handover_given"
    assert kinds(bram)[-1] == "handover_taken"
    verbs = [line.verb for line in History.select().where(History.site_id == kelder.id).order_by(History.id)]
    assert verbs[-3:] == ["site.without_manager", "site.manager", "handover.accepted"]


def test_the_former_manager_keeps_reading_the_evaluations_given_personally_and_nothing_else(app, an, bram, kelder, now):
    mine = make.evaluated(make.placement(site=kelder), by=an)
    other = make.evaluated(make.placement(site=kelder), by=make.user("team"))
    visitor = Visitor(app, an)
    visitor.get("/gekoppelde-deelnemers/?tab=alles")
    assert str(mine.trajectory.participant) in visitor.text
    assert str(other.trajectory.participant) in visitor.text
    handovers.accept(ask(kelder, bram, now), an, now)

    visitor.get("/mijn-beoordelingen")
    assert str(mine.trajectory.participant) in visitor.text
    assert str(other.trajectory.participant) not in visitor.text
    assert visitor.get(f"/mijn-beoordelingen/{Evaluation.get(placement=mine).id}").status_code == 200
    assert visitor.get(f"/mijn-beoordelingen/{Evaluation.get(placement=other).id}").status_code == 404
    for page in ("beoordelen", "trajectgeschiedenis", "annuleren"):
        assert visitor.get(f"/gekoppelde-deelnemers/{page}/?id={mine.id}").status_code == 404
    visitor.get("/gekoppelde-deelnemers/")
    assert str(mine.trajectory.participant) not in visitor.text


def test_a_refusal_needs_a_reason_that_the_requester_reads(an, bram, kelder, now):
    handover = ask(kelder, bram, now)
    with pytest.raises(RuleError, match="waarom je afkeurt"):
        handovers.refuse(handover, an, now, "  ")

    handovers.refuse(handover, an, now, "Ik blijf.")

    assert kelder.manager() == an
    assert "Ik blijf." in Mail.get(Mail.kind == "handover_refused", Mail.to_address == bram.email).body


ACTS = {
    "accept": lambda handover, an, bram, now: handovers.accept(handover, an, now),
    "refuse": lambda handover, an, bram, now: handovers.refuse(handover, an, now, "Nee."),
    "withdraw": lambda handover, an, bram, now: handovers.withdraw(handover, bram, now),
    "escalate": lambda handover, an, bram, now: handovers.escalate(
        Handover.get_by_id(handover.id), now, "Geen antwoord."
    ),
}
AFTER = {"accept": set(), "refuse": set(), "withdraw": set(), "escalate": {"accept", "refuse", "withdraw"}}


@pytest.mark.parametrize("second", ACTS)
@pytest.mark.parametrize("first", ACTS)
def test_every_second_decision_is_refused_but_those_that_may_follow(an, bram, kelder, now, first, second):
    handover = ask(kelder, bram, now)
    ACTS[first](handover, an, bram, now)
    before = kinds()

    if second in AFTER[first]:
        ACTS[second](handover, an, bram, now)
        assert Handover.get().state != "escalated"
    else:
        with pytest.raises(RuleError, match="al behandeld"):
            ACTS[second](handover, an, bram, now)
        assert kinds() == before


def test_only_those_who_may_decide_can_decide(an, bram, kelder, now):
    handover, other = ask(kelder, bram, now), make.user()
    for by in (bram, other, make.user("association")):
        with pytest.raises(NotYours):
            handovers.accept(handover, by, now)
        with pytest.raises(NotYours):
            handovers.refuse(handover, by, now, "Nee.")
    for by in (an, other):
        with pytest.raises(NotYours):
            handovers.withdraw(handover, by, now)


def test_a_mail_that_asks_and_has_not_left_does_not_leave_after_the_decision(an, bram, kelder, now):
    handovers.withdraw(ask(kelder, bram, now), bram, now)

    assert kinds(an) == []


def test_the_person_asked_is_notified_of_the_withdrawal(an, bram, kelder, now):
    handover = ask(kelder, bram, now)
    Mail.update(state="sent").execute()
    handovers.withdraw(handover, bram, now)

    assert kinds(an) == ["handover_asked", "handover_withdrawn"]


@pytest.mark.parametrize("end", ["close", "give"])
def test_a_handover_of_a_site_that_closes_or_gets_another_manager_ends(an, bram, kelder, now, end):
    handover, team = ask(kelder, bram, now), make.user("team")
    if end == "close":
        sites.close(kelder, team, now, "Stopt.", cancel_running=False)
    else:
        sites.give_to(kelder, make.user(), team, now)

    assert Handover.get_by_id(handover.id).state == "withdrawn"
    assert kinds(bram)[-1] == "handover_ended"
    assert "handover_asked" not in kinds()


# ---- the page without log-in


def test_the_link_shows_and_only_a_button_decides(app, an, bram, kelder):
    ask(kelder, bram, utcnow())
    path, scanner = link_of("handover_asked"), Visitor(app)
    for _ in range(3):
        assert scanner.get(path).status_code == 200
        scanner.client.head(path)
    assert Handover.get().state == "open"
    assert [button.get_text(strip=True) for button in scanner.page.select("main button")] == ["Goedkeuren", "Afkeuren"]
    assert "Bram Wouters wil Jeugdhuis De Kelder van je overnemen" in scanner.text
    assert "0 lopende stages, 0 open beoordelingen" in scanner.text
    assert bram.email not in scanner.text

    for decision in ("refuse", "approve"):
        scanner.send(decision=decision, reason="Nee.")
        assert "Vink aan dat je dit zelf beslist" in scanner.text
    assert Handover.get().state == "open"
    scanner.send(decision="refuse", reason="", myself="y")
    assert "Schrijf waarom je afkeurt." in scanner.text
    scanner.send(decision="approve", myself="y")

    assert kelder.manager() == bram
    assert "De overdracht is goedgekeurd" in scanner.text
    assert not links.works(Token.get(), utcnow())


def test_a_link_decides_once(app, an, bram, kelder):
    handover = ask(kelder, bram, utcnow())
    path, first, second = link_of("handover_asked"), Visitor(app), Visitor(app)
    first.get(path)
    second.get(path)
    first.send(decision="refuse", reason="Nee.", myself="y")
    second.send(decision="approve", myself="y")

    assert Handover.get_by_id(handover.id).state == "refused"
    assert "De overdracht is niet goedgekeurd" in second.text


def test_the_page_without_login_never_names_a_civil_servant(app, an, bram, kelder):
    handover = ask(kelder, bram, utcnow())
    path = link_of("handover_asked")
    Mail.update(state="sent").execute()
    handovers.refuse(handover, make.user("team", first_name="Kim", last_name="Geheim"), utcnow(), "Nee.")
    visitor = Visitor(app)
    visitor.get(path)

    assert "door het team" in visitor.text
    assert "Geheim" not in visitor.text


def test_a_link_that_is_too_old_offers_a_fresh_one(app, an, bram, kelder):
    long_ago = utcnow() - timedelta(days=16)
    handover = ask(kelder, bram, long_ago)
    clock.sweep(utcnow())
    assert Handover.get_by_id(handover.id).state == "escalated"
    visitor = Visitor(app)
    assert visitor.get(link_of("handover_asked")).status_code == 410
    assert [button.get_text(strip=True) for button in visitor.page.select("main button")] == ["Nieuwe link vragen"]
    visitor.send()
    assert "We stuurden je een nieuwe link." in visitor.text

    visitor.get(link_of("handover_asked"))
    visitor.send(decision="approve", myself="y")

    assert kelder.manager() == bram


@pytest.mark.parametrize("path", ["/overdracht/x", "/opvolgen/x", "/overdracht/" + "y" * 200])
def test_a_link_that_is_none_of_ours_is_to_be_copied_whole(app, path):
    visitor = Visitor(app)

    assert visitor.get(path).status_code == 404
    assert "Kopieer de hele link" in visitor.text


# ---- the screens


def test_both_sides_and_the_team_see_what_they_may(app, an, bram, kelder):
    handover = ask(kelder, bram, utcnow())
    page = f"/overdrachten/{handover.id}/"
    other, team = (Visitor(app, make.user(role, password=make.PASSWORD)) for role in ("manager", "team"))
    asked, asker = Visitor(app, an), Visitor(app, bram)

    asked.get(page)
    assert {"Goedkeuren", "Afkeuren"} <= {one.get_text(strip=True) for one in asked.page.select("main button")}
    assert bram.email not in asked.text
    asker.get(page)
    assert [one.get_text(strip=True) for one in asker.page.select("main button")] == ["Intrekken"]
    for secret in (an.email, an.phone, readings.shown_phone(an.phone), "An Maes"):
        assert secret not in asker.text
    team.get(page)
    assert an.email in team.text
    assert bram.email in team.text
    assert other.get(page).status_code == 404
    asked.get("/overdrachten/")
    assert "Kelder" in asked.text
    asked.get(page)
    other.get("/overdrachten/")
    assert "Kelder" not in other.text

    asked.send(decision="approve")

    asker.get(page)
    assert an.email in asker.text
    asked.get(page)
    assert readings.shown_phone(bram.phone) in asked.text


def test_the_team_decides_with_a_reason_or_with_the_usual_one(app, an, bram, kelder):
    handover = ask(kelder, bram, utcnow() - timedelta(days=20))
    clock.sweep(utcnow())
    team = Visitor(app, make.user("team", first_name="Kim", password=make.PASSWORD))
    team.get("/te-behandelen/")
    assert "Overdracht" in team.text
    team.get(team.page.find("a", href=f"/overdrachten/{handover.id}/")["href"])
    assert "Jij beheert nu Jeugdhuis De Kelder" in team.text
    team.send(decision="approve")

    assert Handover.get().reason == handovers.NO_ANSWER
    assert kelder.manager() == bram
    assert handovers.NO_ANSWER in Mail.get(Mail.kind == "handover_given").body
    assert "Kim" not in Mail.get(Mail.kind == "handover_given").body


def test_choosing_a_site_shows_nothing_personal(app, an, kelder):
    kelder.email, kelder.phone = "kelder@kavo.test", "015 11 11 11"
    kelder.save()
    make.site(make.user(), name="Speelplein Wacht nog", state="submitted")
    visitor, team = Visitor(app), Visitor(app, make.user("team", password=make.PASSWORD))
    told = team.get(f"/stageplaatsen/details/?id={kelder.id}").text + team.get(f"/accounts/details/?id={an.id}").text
    visitor.get("/overnemen/?q=kelder")

    assert "Jeugdhuis De Kelder" in visitor.text
    for secret in (an.email, an.last_name, "0470 11 11 11", kelder.email, "015 11 11 11"):
        assert secret in told
        assert secret not in visitor.text
    visitor.get("/overnemen/?q=wacht")
    assert "Niets gevonden" in visitor.text
    visitor.get("/overnemen/")
    assert "Jeugdhuis De Kelder" in visitor.text
    assert "Wacht nog" not in visitor.text


def test_a_manager_of_another_site_takes_over_with_few_words(app, an, bram, kelder):
    visitor = Visitor(app, bram)
    visitor.get(f"/overnemen/{kelder.id}")
    assert visitor.page.select_one("[name=email]")["value"] == bram.email
    visitor.send(phone="")
    assert "Typ je telefoonnummer." in visitor.text
    visitor.send(phone="0470 33 33 33")

    assert visitor.path == "/overdrachten/"
    assert Handover.get().phone == "+32470333333"


# ---- under 18


def young_asks(app, site, **changes):
    visitor = Visitor(app)
    visitor.get(f"/overnemen/{site.id}")
    values = {name: value for name, value in typed(**changes).items() if visitor.page.select_one(f"main [name={name}]")}
    visitor.send(**values)
    return visitor


def test_under_18_the_manager_is_asked_once_the_address_is_confirmed(app, an, kelder):
    visitor = young_asks(app, kelder)
    assert "Bijna klaar: kijk in je mailbox" in visitor.text
    assert not Handover.select().exists()
    assert kinds() == ["confirm_address"]
    visitor.get(path_in(Mail.get()))
    assert not Handover.select().exists()
    visitor.send()

    assert "We vroegen het aan wie Jeugdhuis De Kelder nu beheert." in visitor.text
    handover = Handover.get()
    assert (handover.requester.email, handover.asked, handover.state) == ("noor@kavo.test", an, "open")
    visitor.get("/aanmelden")
    visitor.send(email="noor@kavo.test", password="Speel2026")
    assert visitor.path.startswith("/te-doen/")


def test_under_18_a_known_address_looks_the_same(app, kelder):
    make.user(email="noor@kavo.test")
    visitor = young_asks(app, kelder)

    assert "Bijna klaar: kijk in je mailbox" in visitor.text
    assert kinds() == ["address_known"]


def test_an_adult_is_led_to_eid_and_back_to_the_site(app, kelder):
    visitor = young_asks(app, kelder, birth_date="1990-03-08")

    assert "Registreer je met eID" in visitor.text
    assert visitor.page.find("a", href=f"/overnemen/{kelder.id}")
    assert not User.select().where(User.email == "noor@kavo.test").exists()


def test_when_somebody_was_first_the_account_is_there_all_the_same(app, bram, kelder):
    visitor = young_asks(app, kelder)
    ask(kelder, bram, utcnow())
    visitor.get(path_in(Mail.get(Mail.kind == "confirm_address")))
    visitor.send()

    assert "Het beheer overnemen lukte niet: Er loopt al een overdracht" in visitor.text
    assert User.get(User.email == "noor@kavo.test").confirmed_at is not None


# ---- a successor


def test_a_named_successor_accepts_at_once(app, an, bram, kelder):
    visitor = Visitor(app, an)
    visitor.get(f"/stageplaats/{kelder.id}/opvolger")
    visitor.send(email=an.email)
    assert "Dat is het e-mailadres van wie de stageplaats nu beheert." in visitor.text
    visitor.send(email=bram.email)
    assert "Tot je opvolger aanvaardt, blijf jij verantwoordelijk." in visitor.text

    taker = Visitor(app, bram)
    taker.get("/overdrachten/")
    assert "Jeugdhuis De Kelder" in taker.text
    taker.get(f"/overdrachten/{Handover.get().id}/")
    taker.send(decision="approve")

    assert kelder.manager() == bram
    assert Handover.get().requester == bram


def test_the_link_of_an_offer_works_for_another_account_and_shows_first(app, an, kelder):
    handovers.offer(kelder, an, "opvolger@kavo.test", utcnow())
    other = make.user(password=make.PASSWORD)
    visitor = Visitor(app, other)
    visitor.get(link_of("handover_offered"))
    visitor.send()
    assert Handover.get().state == "open"
    visitor.send(myself="y")

    assert kelder.manager() == other


def test_neither_the_team_nor_the_giver_nor_a_stranger_takes_up_an_offer(an, kelder, now):
    handover = handovers.offer(kelder, an, "opvolger@kavo.test", now)
    with pytest.raises(RuleError, match="opvolger heeft nog niet aanvaard"):
        handovers.accept(handover, make.user("team"), now)
    for by in (an, make.user(), make.user(email="opvolger@kavo.test", confirmed_at=None)):
        with pytest.raises(NotYours):
            handovers.accept(handover, by, now)


def test_an_offer_can_be_withdrawn_and_lapses(an, kelder, now):
    handovers.withdraw(handovers.offer(kelder, an, "opvolger@kavo.test", now), an, now)
    handover = handovers.offer(kelder, an, "opvolger@kavo.test", now)
    clock.sweep(now + 15 * DAY)

    assert Handover.get_by_id(handover.id).state == "withdrawn"
    assert kinds(an)[-1] == "handover_ended"


def test_asking_for_a_site_that_was_offered_to_that_address_gives_it_at_once(an, bram, kelder, now):
    handovers.offer(kelder, an, bram.email, now)

    assert ask(kelder, bram, now).state == "accepted"
    assert kelder.manager() == bram


def test_somebody_new_may_take_up_an_offer_after_the_address_is_confirmed(app, an, kelder):
    handovers.offer(kelder, an, "noor@kavo.test", utcnow())
    visitor = young_asks(app, kelder)
    visitor.get(path_in(Mail.get(Mail.kind == "confirm_address")))
    visitor.send()
    assert kelder.manager() == an
    visitor.send(myself="y")

    assert "Jij beheert nu Jeugdhuis De Kelder." in visitor.text
    assert UserRole.select().where(UserRole.user == kelder.manager()).exists()
