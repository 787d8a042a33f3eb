"""The history reads as sentences and stays provable; days, moments, numbers and lists follow Belgian conventions."""

from datetime import date, datetime

import pytest

import audit
import dutch
from models import History
from tests import factories as make
from times import days_after, local_date, years_after
from workflow.stages import placements


def test_a_coupling_reads_as_a_sentence(now):
    jonas = make.user(first_name="Jonas", last_name="Maes")
    lotte = make.trajectory(participant=make.participant(first_name="Lotte", last_name="Peeters"))

    placement = placements.couple(lotte, make.site(manager=jonas, name="De Zandbak"), 20, jonas, now)
    placements.change(placement, jonas, now, 30)

    lines = [audit.sentence(line) for line in History.select().order_by(History.id)]
    assert lines == [
        "Jonas Maes koppelde Lotte Peeters aan De Zandbak voor 20 uur.",
        "Jonas Maes wijzigde de koppeling van Lotte Peeters aan De Zandbak: Aantal uren van ‘20’ naar ‘30’.",
    ]


def test_an_erased_line_stays_as_proof_and_a_changed_one_is_seen(now):
    line = audit.record(None, "list.exported", None, at=now, name="Mails", rows="1 mail", filter="")
    assert audit.sentence(line) == "De tool exporteerde ‘Mails’: 1 mail."
    assert audit.is_whole(line)

    line.payload = line.payload.replace("1 mail", "2 mails")
    assert not audit.is_whole(line)
    History.update(payload=None, salt=None).execute()
    assert audit.sentence(History.get()) == "… exporteerde ‘…’: …. (gegevens gewist)"
    assert audit.is_whole(History.get())


def test_a_fact_that_is_missing_fails_when_it_is_written(now):
    with pytest.raises(KeyError):
        audit.record(None, "list.exported", None, at=now, name="Mails")
    assert not History.select().exists()


@pytest.mark.parametrize(
    "moment, text, day",
    [
        (datetime(2026, 7, 1, 22, 30), "02/07/2026 om 0.30 uur", date(2026, 7, 2)),
        (datetime(2026, 1, 1, 22, 30), "01/01/2026 om 23.30 uur", date(2026, 1, 1)),
        (datetime(2026, 3, 29, 0, 59), "29/03/2026 om 1.59 uur", date(2026, 3, 29)),
        (datetime(2026, 3, 29, 1, 0), "29/03/2026 om 3.00 uur", date(2026, 3, 29)),
    ],
)
def test_a_moment_is_stored_in_utc_and_read_in_brussels(moment, text, day):
    assert dutch.moment(moment) == text
    assert local_date(moment) == day


def test_14_days_are_calendar_days_also_over_the_change_of_the_clock():
    assert days_after(datetime(2026, 3, 20, 23, 30), 14) == date(2026, 4, 4)
    assert days_after(datetime(2026, 10, 20, 10, 0), 14) == date(2026, 11, 3)


@pytest.mark.parametrize("years, day", [(4, date(2012, 2, 29)), (18, date(2026, 3, 1))])
def test_a_person_born_on_29_february_turns_a_year_older_on_1_march(years, day):
    assert years_after(date(2008, 2, 29), years) == day


@pytest.mark.parametrize("day, adult", [(date(2026, 2, 28), False), (date(2026, 3, 1), True)])
def test_an_adult_is_18_on_the_birthday(day, adult):
    someone = make.user(birth_date=date(2008, 2, 29))
    assert someone.is_adult(datetime(day.year, day.month, day.day, 12)) is adult


def test_numbers_and_lists_read_as_people_write_them():
    assert dutch.number(1284) == "1.284"
    assert dutch.counted(1, "rij", "rijen") == "1 rij"
    assert dutch.listing(["a", "b", "c"]) == "a, b en c"
    assert dutch.listing(["a"]) == "a"
    assert [dutch.shown(value) for value in (None, True, False, date(2026, 7, 1))] == ["", "ja", "nee", "01/07/2026"]
