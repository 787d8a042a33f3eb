"""The local eID provider: as strict as a real one, with fictitious persons only, and never in production."""

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest

import config
from local import demo, provider
from tests.conftest import KEYS
from tests.test_config import PRODUCTION
from times import utcnow

BACK = "http://localhost:8000/aanmelden-met-eid/terug"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "client_id": "kavo",
    "redirect_uri": BACK,
    "response_type": "code",
    "scope": "openid profile rrn vo",
    "state": "s",
    "nonce": "n",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@pytest.fixture
def op(db):
    provider.CodeGrant.codes.clear()
    return provider.make_provider(config.load({**KEYS, "KAVO_DATABASE_URL": db})).test_client()


def code_of(op):
    answer = op.post("/aanmelden", query_string=ASKED, data={"person": "bram-wouters"})
    return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


def exchange(op, code, **changes):
    data = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": BACK,
        "code_verifier": VERIFIER,
        "client_id": "kavo",
        "client_secret": "only-for-the-local-provider",
        **changes,
    }
    return op.post("/code", data=data)


def test_it_refuses_to_start_in_production():
    with pytest.raises(config.SettingsError, match="not for production"):
        provider.make_provider(config.load(PRODUCTION))


def test_it_offers_the_persons_of_the_demo_world(op):
    page = op.get("/aanmelden", query_string=ASKED).text
    for name in ("An Maes", "Bram Wouters", "Noor Jacobs", "Annuleren"):
        assert name in page


def test_a_code_is_exchanged_once(op):
    code = code_of(op)

    assert exchange(op, code).json["id_token"]
    assert exchange(op, code).status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": ""},
        {"client_secret": "wrong"},
        {"redirect_uri": BACK + "/"},
        {"code": "x"},
    ],
)
def test_a_wrong_exchange_is_refused(op, changes):
    assert exchange(op, changes.pop("code", None) or code_of(op), **changes).status_code in (400, 401)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "other"},
        {"redirect_uri": "http://evil.example/"},
        {"response_type": "token"},
        {"response_type": "code¿'(\""},
        {"code_challenge_method": "plain"},
        {"nonce": None},
        {"code_challenge": None},
    ],
)
def test_a_question_that_is_not_ours_is_refused(op, changes):
    asked = {name: value for name, value in {**ASKED, **changes}.items() if value}

    assert op.get("/aanmelden", query_string=asked).status_code == 400


def test_logging_out_comes_back_to_the_tool_only(op):
    def out(back):
        return op.get("/afmelden", query_string={"client_id": "kavo", "post_logout_redirect_uri": back})

    assert out("http://localhost:8000/").headers["Location"] == "http://localhost:8000/"
    assert out("http://evil.example/").status_code == 200


def test_the_numbers_of_the_made_up_persons_are_well_formed():
    from stdnum.be import bis, nn

    cards = demo.eid_cards(utcnow())
    assert len({card.number for card in cards}) == len(cards)
    for card in cards:
        assert nn.is_valid(card.number) or bis.is_valid(card.number)
    assert nn.get_birth_date(cards[1].number).year == 1990
    assert nn.get_birth_date(cards[-1].number) is None
