"""The values of an eID answer: their format, their issuer, the minimum level of assurance, replaced keys, the log."""

from dataclasses import replace

import pytest

from models import Identity, LinkRequest
from tests import factories as make
from tests.identity.eid.op import number
from tests.identity.eid.steps import BORN, come_back, go, register
from tests.identity.eid.test_answers import OWNER, account, stored, verbs
from tests.visitor import Visitor
from workflow.accounts import identities

# ---- replaced keys


def test_a_number_hashed_with_a_former_key_is_recognised_and_hashed_again(now):
    old = replace(OWNER, number_hash="1" * 64, key_id="old")
    user = account(old)
    asked = LinkRequest(user=make.user(), created_at=now, number_hash="1" * 64, key_id="old", subject="x", issuer="y")
    asked.save()
    answer = replace(
        OWNER, subject="sub-other", number_hash="2" * 64, key_id="new", former={"older": "0" * 64, "old": "1" * 64}
    )

    assert identities.recognise(answer, now) == user

    for model in (Identity, LinkRequest):
        assert (model.get().number_hash, model.get().key_id) == ("2" * 64, "new")


def test_one_number_under_two_keys_of_two_accounts_goes_to_the_team(now):
    account(replace(OWNER, number_hash="1" * 64, key_id="old"))
    account(replace(OWNER, subject="sub-two", number_hash="2" * 64, key_id="new"))
    before = stored()

    with pytest.raises(identities.WithTeam):
        identities.recognise(
            replace(OWNER, subject="sub-3", number_hash="2" * 64, key_id="new", former={"old": "1" * 64}), now
        )

    assert LinkRequest.get().kind == "two"
    assert stored() == before


def test_rotating_the_lookup_key_shuts_nobody_out(app, op, another_app):
    register(app, op)
    kept = Identity.get().key_id
    visitor = Visitor(another_app(KAVO_LOOKUP_KEY="n" * 40, KAVO_OLD_LOOKUP_KEYS=f"{'m' * 40} {'l' * 40}"))
    go(visitor, op)

    assert visitor.path.startswith("/te-doen/")
    assert Identity.get().key_id != kept
    assert "user.eid_changed" not in verbs()


# ---- the content of an answer


HOLDS = [
    ({"given_name": "Br\ud800am\x00\x07 \n Jan"}, "Dag Bram Jan Wouters"),
    ({"sub": "s" * 255}, "Dag Bram"),
    ({"sub": "s" * 256}, "niet kunnen bewaren"),
    ({"sub": "sub\ud800"}, "niet kunnen bewaren"),
    ({"sub": "sub\x00"}, "niet kunnen bewaren"),
    ({"sub": ["sub"]}, "klopte niet"),
    ({"sub": 7}, "klopte niet"),
    ({"given_name": "B" * 101}, "niet kunnen bewaren"),
    ({"family_name": {"a": 1}}, "niet kunnen bewaren"),
    ({"acr": "a\ud800"}, "niet kunnen bewaren"),
    ({"acr": "a" * 201}, "niet kunnen bewaren"),
    ({"vo_id": "v" * 101}, "niet kunnen bewaren"),
    ({"vo_orgnaam": "\ud800" + "o" * 400, "vo_orgcode": "O\x00VO"}, "Dag Bram"),
    ({"vo_doelgroepcode": "\udfff" * 30}, "Dag Bram"),
    ({"rrn": 90030830195}, "rijksregisternummer niet"),
    ({"rrn": "９００３０８３０１９５"}, "rijksregisternummer niet"),
    ({"given_name": None, "family_name": None}, "Dag onbekend"),
]


@pytest.mark.parametrize("claims, words", HOLDS)
def test_what_no_database_holds_is_left_out_of_names_and_refused_where_it_identifies(app, op, claims, words):
    op.claims.update(claims)
    visitor = Visitor(app)
    go(visitor, op)

    assert words in visitor.text


def test_two_long_subjects_that_begin_alike_are_two_persons(app, op):
    op.claims["sub"] = "s" * 254 + "1"
    register(app, op)
    op.claims.update(sub="s" * 254 + "2", rrn=number(BORN, 305))
    visitor = Visitor(app)
    go(visitor, op)

    assert "Dag Bram Wouters" in visitor.text
    assert "nog geen account" in visitor.text


@pytest.mark.parametrize("fault", ["userinfo", "id_token null", "id_token list"])
def test_what_no_signature_vouches_for_logs_nobody_in(app, op, fault):
    register(app, op)
    op.fault = fault
    visitor = Visitor(app)
    go(visitor, op)

    assert visitor.answer.status_code == 400
    assert visitor.client.get("/mijn-gegevens").status_code == 302


# ---- the minimum level


ACCEPTED = "urn:be:vlaanderen:authmech:eid urn:be:vlaanderen:authmech:itsme"


@pytest.mark.parametrize(
    "acr, good",
    [
        ("urn:be:vlaanderen:authmech:itsme", True),
        ("urn:be:vlaanderen:authmech:csampassword", False),
        (None, False),
        ("urn:be:vlaanderen:authmech", False),
        (ACCEPTED, False),
    ],
)
def test_only_the_means_that_we_accept_log_somebody_in(op, another_app, acr, good):
    strict = another_app(KAVO_EID_ACR=ACCEPTED)
    op.claims["acr"] = acr
    visitor = Visitor(strict)
    go(visitor, op)

    assert op.asked[0]["acr_values"] == ACCEPTED
    assert ("Dag Bram Wouters" in visitor.text) is good
    assert ("niet veilig genoeg" in visitor.text) is not good


def test_first_logins_and_re_authentication_need_the_level_too(app, op, another_app):
    op.claims["acr"] = "urn:low"
    visitor = Visitor(app)
    go(visitor, op)
    assert "Dag Bram" in visitor.text
    known = register(app, op)
    strict = another_app(KAVO_EID_ACR=ACCEPTED)
    visitor.client = _same_cookies(strict, visitor)
    visitor.get("/registreren/met-eid", follow_redirects=True)
    assert "Meld je eerst aan met eID" in visitor.text

    known.client = _same_cookies(strict, known)
    come_back(known, op, known.client.get("/ben-jij-het/eid").headers["Location"])
    assert "niet veilig genoeg" in known.text


def _same_cookies(app, visitor):
    client = app.test_client()
    client.set_cookie("kavo", visitor.client.get_cookie("kavo").value)
    return client


def test_the_log_says_why_without_naming_anybody(app, op, caplog):
    register(app, op)
    op.claims["rrn"] = number(BORN, 305)
    go(Visitor(app), op)
    go(Visitor(app), op, error="hack-90030830195", code=None)
    op.claims.update(rrn=number(BORN, 307), sub="sub-2")
    go(Visitor(app), op)

    text = " ".join(f"{record.getMessage()} {getattr(record, 'facts', '')}" for record in caplog.records)
    for words in (
        "'outcome': 'team'",
        "'outcome': 'new'",
        "'outcome': 'refused'",
        "off to the provider",
        "something unknown",
    ):
        assert words in text
    for secret in ("Bram", "Wouters", "sub-1", op.claims["rrn"], Identity.get().number_hash, "hack"):
        assert secret not in text
