"""Mailed links: what each opens, and that no change of an account leaves access open or locks anybody out."""

import dataclasses
import quopri
import re
from datetime import date, timedelta

import pytest

from mails import delivery, links
from models import Handover, Mail, Site, Token, User
from tests import every_mail
from tests import factories as make
from tests.visitor import Visitor
from times import utcnow
from workflow.accounts import accounts, confirmation, eid_answers, identities, registration
from workflow.privacy import erasure
from workflow.sites import handovers, sites

BASE = "https://kadervorming.vlaanderen.be"
BORN = date(1990, 8, 2)
LONG = timedelta(days=30)


# ---- the holder of each link


def _invited(now):
    return make.user("team", email="noor@kavo.test", confirmed_at=None), None


def _known(now, **values):
    return make.user(
        email="noor@kavo.test", password=make.PASSWORD, birth_date=BORN, last_name="Jacobs", **values
    ), None


def _waiting(now):
    user, _ = _known(now, confirmed_at=None)
    return user, make.site(user, decided_at=now)


def _claiming(now):
    user, _ = _known(now)
    user.claimed_email = "nieuw@kavo.test"
    user.save()
    return user, None


def _same_person(now):
    user, _ = _known(now)
    return user, make.user(claimed_email="noor@kavo.test", confirmed_at=None, email=confirmation.nowhere())


def _handover(now):
    user, _ = _known(now)
    return user, handovers.ask(make.site(user), make.user(), "bram@kavo.test", "", now)


def _offer(now):
    user, _ = _known(now)
    return user, handovers.offer(make.site(user), user, "opvolger@kavo.test", now)


def _application(now):
    user, _ = _known(now)
    return user, make.site(user, state="submitted")


HOLDERS = {
    links.ACTIVATION: _waiting,
    links.CONFIRM: _claiming,
    links.SAME_PERSON: _same_person,
    links.PASSWORD: _invited,
    links.RESET: _known,
    links.HANDOVER: _handover,
    links.OFFER: _offer,
    links.APPLICATION: _application,
}
"""purpose → (holder, subject)"""


# ---- what may happen to an account


def _chose_password(user, about, now):
    accounts.choose_password(links.issue(links.RESET, now, now + LONG, user), make.PASSWORD, now)


def _moved(user, about, now):
    confirmation.claim(user, "elders@kavo.test", now)
    token = links.issue(links.CONFIRM, now, now + LONG, User.get_by_id(user.id))
    confirmation.confirm(token, now)


def _mistyped(user, about, now):
    registration.correct_address(about, "juist@kavo.test", make.user("team"), now)


def _linked_eid(user, about, now):
    person = eid_answers.EidPerson(
        "https://eid", f"sub-{user.id}", "a" * 64, "k", user.first_name, user.last_name, BORN
    )
    assert identities.link(user, person, now)


def _merged(user, about, now):
    other = make.user()
    identities.merge(user, other, other, now)


def _deactivated(user, about, now):
    user.active = False
    user.save()


def _erased(user, about, now):
    erasure.take_out(User.locked(user.id), None, now, "gevraagd", thorough=True)


def _accepted(user, about, now):
    handovers.accept(
        about, make.user(email="opvolger@kavo.test") if about.offered else user, now, by_link=about.offered
    )


def _refused(user, about, now):
    handovers.refuse(about, user, now, "Nee.")


def _withdrawn(user, about, now):
    handovers.withdraw(about, user if about.offered else about.requester, now)


def _reopened(user, about, now):
    sites.reopen(about, make.user("team"), now, "Toch niet.")


def _given(user, about, now):
    sites.give_to(about if isinstance(about, Site) else about.site, make.user(), make.user("team"), now)


def _claimed_other(user, about, now):
    confirmation.claim(user, "nog-anders@kavo.test", now)


def _claimed_of_somebody(user, about, now):
    confirmation.claim(user, make.user().email, now)


def _newcomer_left(user, about, now):
    about.claimed_email = None
    about.save()


ACCOUNT = {_moved, _linked_eid, _merged, _deactivated, _erased}
CHANGES = {
    links.ACTIVATION: {*ACCOUNT - {_moved}, _mistyped, _chose_password, _reopened, _given},
    links.CONFIRM: {*ACCOUNT, _chose_password, _claimed_other, _claimed_of_somebody},
    links.SAME_PERSON: {*ACCOUNT, _chose_password, _newcomer_left},
    links.PASSWORD: {*ACCOUNT - {_linked_eid}, _chose_password},
    links.RESET: {*ACCOUNT, _chose_password},
    links.HANDOVER: {*ACCOUNT, _chose_password, _accepted, _refused, _withdrawn, _given},
    links.OFFER: {*ACCOUNT - {_erased}, _chose_password, _accepted, _withdrawn, _given},
    links.APPLICATION: {*ACCOUNT, _chose_password, _given},
}
"""purpose → the changes that may happen while such a link waits in a mailbox"""
STAYS = {
    (links.ACTIVATION, _given): True,  # it opens only their own account
    **dict.fromkeys([(links.CONFIRM, change) for change in (_linked_eid, _chose_password)], True),
    **dict.fromkeys([(links.HANDOVER, change) for change in (_linked_eid, _chose_password)], True),
    **dict.fromkeys([(links.OFFER, change) for change in (*ACCOUNT, _chose_password)], True),
    **dict.fromkeys([(links.APPLICATION, change) for change in (_linked_eid, _chose_password)], True),
}
"""the links that stay valid, since the change touches neither the address nor the way to log in"""
CASES = [
    (purpose, change)
    for purpose, changes in CHANGES.items()
    for change in sorted(changes, key=lambda one: one.__name__)
]


def _way_in(app, user):
    """How a person with a dead link gets in: by 'Wachtwoord vergeten?', mailed to the current address, or by eID."""
    user = User.get_by_id(user.id)
    user = User.get_by_id(user.merged_into or user.id)
    if not user.active:
        return "none"
    if user.has_eid:
        return "eID"
    before = Mail.select().count()
    registration.forgot_password(user, utcnow() + timedelta(hours=2))
    newest = Mail.select().order_by(Mail.id.desc()).get()
    assert (Mail.select().count(), newest.to_address) == (before + 1, user.email)
    if newest.kind == "log_in_with_eid":
        return "eID"
    secret = re.search(r"/l/(\w{22})", newest.body)[1]
    assert links.works(links.find(secret), utcnow() + timedelta(hours=2))
    return newest.kind


@pytest.mark.parametrize(
    "purpose, change", CASES, ids=[f"{purpose}-{change.__name__.strip('_')}" for purpose, change in CASES]
)
def test_no_change_leaves_a_link_open_that_it_voids_and_nobody_is_locked_out(app, purpose, change):
    now = utcnow() - timedelta(minutes=10)
    user, about = HOLDERS[purpose](now)
    secret = links.issue(purpose, now, now + LONG, None if purpose == links.OFFER else user, about)
    assert links.works(links.find(secret), now)

    change(User.get_by_id(user.id), about, now + timedelta(minutes=5))

    token = links.find(secret)
    stays = STAYS.get((purpose, change), False)
    assert bool(token and links.works(token, now + timedelta(minutes=6))) is stays
    status = Visitor(app).get(links.path(secret)).status_code
    decided = isinstance(about, Handover) and not Handover.get_by_id(about.id).undecided
    assert status in ((200,) if stays or decided else (404, 410))
    assert (_way_in(app, user) == "none") is (change in (_deactivated, _erased))


def test_every_purpose_is_walked():
    assert set(CHANGES) == set(HOLDERS) == set(links.PURPOSES) - {links.ATTEST}  # a participant's link: see test_finals


# ---- reproduced bugs


def test_somebody_invited_who_forgot_gets_in_by_either_link_and_the_other_dies(app):
    team = make.user("team")
    user = make.user("association", email="lies@kavo.test", confirmed_at=None)
    accounts.invite(user, team, utcnow())
    registration.forgot_password(user, utcnow())
    invitation, reset = [re.search(r"/l/\w{22}", mail.body)[0] for mail in Mail.select().order_by(Mail.id)]
    visitor = Visitor(app)
    visitor.get(reset)
    visitor.send(password="Zomer2026abcd", again="Zomer2026abcd")

    assert "Je wachtwoord is bewaard" in visitor.text or "Je wachtwoord is bewaard" in visitor.page.get_text()
    fresh = User.get_by_id(user.id)
    assert fresh.is_active
    assert fresh.confirmed_at
    assert Visitor(app).get(invitation).status_code == 410


def test_a_link_to_one_address_never_confirms_another(app):
    now = utcnow()
    user, owner = make.user(), make.user(email="van-iemand@kavo.test")
    confirmation.claim(user, "eerst@kavo.test", now)
    link = re.search(r"/l/\w{22}", Mail.get().body)[0]
    confirmation.claim(User.get_by_id(user.id), owner.email, now)
    told = Visitor(app)
    told.get(link)
    owner.email = "weg@kavo.test"
    owner.save()
    later = Visitor(app)
    later.get(link)

    assert told.text == later.text
    assert "Registratie voltooien" not in told.text
    assert User.get_by_id(user.id).email not in ("van-iemand@kavo.test", "eerst@kavo.test")


@pytest.mark.parametrize("glue", [".", ")", ">", ").", "&gt;", "%3E", ",", "”", "/", "/.", "%20"])
def test_characters_that_a_mail_program_adds_to_a_link_are_ignored(app, glue):
    user, _ = _known(utcnow())
    secret = links.issue(links.RESET, utcnow(), utcnow() + LONG, user)

    for path in (links.path(secret), f"/wachtwoord-kiezen/{secret}"):
        if path.startswith("/l/") or "/" not in glue:
            assert Visitor(app).get(path + glue, follow_redirects=True).status_code == 200, path


@pytest.mark.parametrize("kept", [1, 5, 21])
def test_a_link_that_was_cut_says_to_copy_it_whole(app, kept):
    user, _ = _known(utcnow())
    secret = links.issue(links.RESET, utcnow(), utcnow() + LONG, user)
    visitor = Visitor(app)

    assert visitor.get(links.path(secret[:kept])).status_code == 404
    assert "Deze link is niet volledig" in visitor.text
    assert "Kopieer de hele link" in visitor.text


def test_links_that_were_mailed_before_still_open_their_page(app, settings):
    from itsdangerous import URLSafeSerializer

    user, site = _application(utcnow())
    signed = URLSafeSerializer([settings.secret_key], salt="aanvraag").dumps([site.id, links.hashed(user.email)[:16]])
    long = "x" * 40 + "_-Q"
    Token.create(
        key_hash=links.hashed(long),
        purpose=links.RESET,
        user=user,
        address=user.email,
        stamp=user.fs_uniquifier,
        created_at=utcnow(),
        expires_at=utcnow() + LONG,
    )

    assert Visitor(app).get(f"/aanvraag/{signed}").status_code == 200
    assert Visitor(app).get(f"/aanvraag/{signed}).").status_code == 200
    assert Visitor(app).get(f"/aanvraag/{signed[:-1]}").status_code == 404
    assert Visitor(app).get(f"/wachtwoord-kiezen/{long}").status_code == 200
    user.email = "elders@kavo.test"
    user.save()
    assert Visitor(app).get(f"/aanvraag/{signed}").status_code == 404


# ---- in the mails


@pytest.fixture
def written(app, settings):
    """One mail of each kind, with our future addresses."""
    links.set_up(dataclasses.replace(settings, base_url=BASE))
    yield every_mail.write(utcnow() - timedelta(minutes=5))
    links.set_up(settings)


def test_every_link_fits_on_its_line_and_is_sent_whole(written):
    assert set(written) == every_mail.KINDS
    for kind, mail in written.items():
        lines = [line for line in mail.body.splitlines() if "http" in line]
        assert all(line.startswith(BASE) and len(line) <= 70 for line in lines), (kind, lines)
        whole = delivery.message(mail, "kavo@kavo.test").as_bytes().decode().splitlines()
        coded = quopri.encodestring(mail.body.encode()).decode().splitlines()
        for line in lines:
            assert {line, line.replace("=", "=3D")} & set(whole), kind
            assert line.replace("=", "=3D") in coded, kind


def test_a_secret_of_a_mail_opens_nothing_by_a_get(app, settings):
    """A mail scanner that only follows links."""
    mails = every_mail.write(utcnow() - timedelta(minutes=5))
    before = {(token.id, token.used_at) for token in Token.select()}
    for mail in mails.values():
        for path in re.findall(r"http://localhost:8000(/l/\S+)", mail.body):
            assert Visitor(app).get(path).status_code == 200, (mail.kind, path)
    assert {(token.id, token.used_at) for token in Token.select()} == before
