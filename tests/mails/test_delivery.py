"""The outbox over real SMTP: nothing is lost, whatever the server does, and a mail sent twice has the same Message-ID."""

import ssl
import subprocess
from dataclasses import replace
from datetime import timedelta

import pytest

import config
import mails
from database import writing
from mails import delivery
from models import Mail
from tests import factories as make
from tests.post import Post
from workflow import letters
from workflow.accounts import registration


@pytest.fixture
def post():
    with Post() as server:
        yield server


@pytest.fixture
def sending(settings, post):
    return replace(settings, mail_server=config._mail_server(post.url), catcher=False)


def write(now, address="noor@kavo.test"):
    user = make.user(email=address)
    with writing():
        return mails.password_changed(user, now)


def state(mail):
    stored = Mail.get_by_id(mail.id)
    return stored.state, stored.attempts


def test_a_mail_is_delivered_as_it_was_written(sending, post, now):
    mail = write(now)

    assert delivery.deliver(sending, lambda: now) == {"sent": 1}

    (came,) = post.mails
    assert (came["To"], came["From"], came["Message-ID"]) == ("noor@kavo.test", "kavo@kavo.test", mail.message_id)
    assert came["Auto-Submitted"] == "auto-generated"
    assert came.get_content().splitlines() == mail.body.splitlines()
    stored = Mail.get_by_id(mail.id)
    assert (stored.state, stored.sent_at, stored.error) == ("sent", now, "")
    assert delivery.deliver(sending, lambda: now) == {}


def test_a_mail_that_is_held_back_waits_for_its_moment(sending, post, now):
    mail = write(now)
    Mail.update(next_at=now + timedelta(minutes=10)).execute()

    assert delivery.deliver(sending, lambda: now + timedelta(minutes=9)) == {}
    assert delivery.deliver(sending, lambda: now + timedelta(minutes=10)) == {"sent": 1}
    assert state(mail) == ("sent", 1)


def test_a_server_that_is_down_costs_no_mail_a_try(settings, now):
    nobody = replace(settings, mail_server=config._mail_server("smtp://127.0.0.1:9"))
    mail = write(now)

    assert delivery.deliver(nobody, lambda: now) == {}
    assert state(mail) == ("pending", 0)


@pytest.mark.parametrize("minutes, trouble", [(15, 0), (16, 1)])
def test_a_mail_that_waits_far_too_long_raises_an_alarm(now, minutes, trouble):
    write(now)

    assert delivery.trouble(now + timedelta(minutes=minutes)) == trouble


def test_later_means_later_with_longer_waits_and_a_last_time(sending, post, now):
    post.fault, mail, moment, waits = "451", write(now), now, []
    while state(mail)[0] == "pending":
        delivery.deliver(sending, lambda: moment)  # noqa: B023 - called at once
        stored = Mail.get_by_id(mail.id)
        waits.append(stored.next_at - moment)
        moment = stored.next_at

    assert waits[: len(delivery.RETRY_AFTER)] == delivery.RETRY_AFTER
    assert state(mail) == ("failed", len(delivery.RETRY_AFTER) + 1)
    assert "451" in Mail.get_by_id(mail.id).error
    assert delivery.trouble(moment) == 1


def test_a_refused_address_fails_at_once_and_the_others_go_on(sending, post, now):
    post.fault = "550"
    first, refused, last = write(now), write(now, "weigert@kavo.test"), write(now, "an@kavo.test")

    assert delivery.deliver(sending, lambda: now) == {"sent": 2, "failed": 1}
    assert [state(mail)[0] for mail in (first, refused, last)] == ["sent", "failed", "sent"]
    assert Mail.get_by_id(refused.id).error == "550 5.1.1 no such mailbox"


def test_a_connection_that_is_cut_after_the_text_is_tried_again_under_the_same_id(sending, post, now):
    post.fault, mail = "cut", write(now)
    delivery.deliver(sending, lambda: now)
    assert state(mail) == ("pending", 1)

    post.fault = None
    delivery.deliver(sending, lambda: now + timedelta(minutes=1))

    assert state(mail) == ("sent", 2)
    assert post.copies() == {mail.message_id: 2}


def test_a_server_that_does_not_answer_in_time_is_tried_again_later(sending, post, now, monkeypatch):
    monkeypatch.setattr(delivery, "ANSWER_SECONDS", 1)
    post.fault, mail = "slow", write(now)
    assert delivery.deliver(sending, lambda: now) == {"pending": 1}

    post.fault = None
    assert delivery.deliver(sending, lambda: now + timedelta(minutes=1)) == {"sent": 1}
    assert set(post.copies()) == {mail.message_id}


def test_a_mail_that_is_cut_off_every_time_ends_as_uncertain(sending, post, now):
    post.fault, mail, moment = "cut", write(now), now
    while state(mail)[0] == "pending":
        delivery.deliver(sending, lambda: moment)  # noqa: B023
        moment = Mail.get_by_id(mail.id).next_at

    assert state(mail)[0] == "uncertain"


def test_a_text_that_cannot_be_a_mail_fails_and_stops_nobody(sending, post, now):
    bad, good = write(now), write(now, "an@kavo.test")
    Mail.update(to_address="é@kavo.test\r\nBcc: x@kavo.test").where(Mail.id == bad.id).execute()

    delivery.deliver(sending, lambda: now)

    assert [state(one)[0] for one in (bad, good)] == ["failed", "sent"]


@pytest.mark.parametrize("left", ["claimed", "data"])
def test_a_mail_that_a_dead_sender_left_half_done_is_sent_again(sending, post, now, left):
    mail = write(now)
    Mail.update(state=left, attempts=1).execute()

    delivery.deliver(sending, lambda: now)

    assert state(mail) == ("sent", 2)


def test_while_one_process_sends_another_does_not(sending, post, now):
    write(now)
    with delivery._only_sender(sending.database_url) as ours:
        assert ours()
        assert delivery.deliver(sending, lambda: now) is None
    assert delivery.deliver(sending, lambda: now) == {"sent": 1}


def test_a_certificate_that_is_not_of_that_server_is_refused(settings, tmp_path, now):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            key,
            "-out",
            certificate,
            "-subj",
            "/CN=evil",
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Post(tls=context) as post:
        secure = replace(settings, mail_server=config._mail_server(post.url + "?starttls=1"))
        mail = write(now)
        assert delivery.deliver(secure, lambda: now) == {}
    assert state(mail) == ("pending", 0)
    assert post.mails == []


@pytest.mark.parametrize(
    "url, ok",
    [
        ("smtp://127.0.0.1:25", True),
        ("smtp://mail.example:25", False),
        ("smtp://mail.example?starttls=1", True),
        ("smtps://u:p%40ss@mail.example", True),
        ("http://mail.example", False),
        ("smtp://", False),
    ],
)
def test_mails_leave_this_machine_only_with_tls(url, ok):
    if ok:
        assert config._mail_server(url).port in (25, 465, 587)
    else:
        with pytest.raises(config.SettingsError):
            config._mail_server(url)


@pytest.mark.parametrize("before, more", [("pending", 0), ("failed", 0), ("uncertain", 0), ("sent", 1)])
def test_the_team_sends_a_mail_again(now, before, more):
    mail, team = write(now), make.user("team")
    Mail.update(state=before, attempts=8, next_at=now + timedelta(days=1)).execute()

    letters.send_again(mail, team, now)

    assert Mail.select().count() == 1 + more
    waiting = Mail.get(Mail.state == "pending")
    assert (waiting.next_at, waiting.attempts) == (now, 0)
    assert (waiting.message_id == mail.message_id) is (more == 0)


def test_a_failure_that_somebody_dealt_with_no_longer_counts(now):
    mail = write(now)
    Mail.update(state="failed").execute()
    assert delivery.trouble(now) == 1

    letters.set_aside(mail, make.user("team"), now)

    assert delivery.trouble(now) == 0


@pytest.mark.parametrize("state", ["pending", "claimed", "data", "failed", "uncertain"])
@pytest.mark.parametrize("about", ["site", "user"])
def test_a_failed_mail_to_a_corrected_address_raises_no_alarm(now, state, about):
    """Whatever its state, also when it is being sent and fails later."""
    jonas, kim = make.user(confirmed_at=None, password=make.PASSWORD), make.user("team")
    site = make.site(manager=jonas, state="submitted")
    row = {"site": site, "user": jonas}[about]
    old = make.mail(to_address=jonas.email, state=state, object_type=about, object_id=str(row.id))
    other = make.mail(to_address="ander@kavo.test", state="uncertain")
    registration.correct_address(site, "juist@kavo.test", kim, now)
    Mail.update(state="uncertain").where(Mail.id == old.id).execute()
    assert delivery.trouble(now) == 1
    assert Mail.get_by_id(other.id).handled_at is None
