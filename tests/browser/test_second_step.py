"""The second factor in a real browser: an authenticator app, a passkey (Chromium's virtual one), a recovery code."""

import pytest
from passlib.totp import TOTP
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def provider_settings():
    return {"KAVO_TEAM_2FA": "1", "KAVO_EID_ISSUER": "http://localhost:1"}


@pytest.mark.parametrize("width", [1280, 360])
def test_a_member_of_the_team_sets_it_up_and_comes_in_with_each(person, width):
    kim = person(width)
    page = kim.page
    authenticator = page.context.new_cdp_session(page)
    authenticator.send("WebAuthn.enable")
    authenticator.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )

    kim.log_in("team@kavo.test")
    expect(page.get_by_text("Stel eerst een tweede stap in")).to_be_visible()
    kim.look()
    kim.link("App instellen")
    expect(page.locator(".qr svg path")).to_have_count(1)
    kim.look()
    page.get_by_text("Scannen lukt niet").click()
    app = TOTP(page.locator("code").inner_text(), format="base32")
    kim.fill(Code_van_6_cijfers="000000")
    kim.button("App bewaren")
    kim.look()
    page.get_by_text("Scannen lukt niet").click()
    assert TOTP(page.locator("code").inner_text(), format="base32").key == app.key
    kim.fill(Code_van_6_cijfers=app.generate().token)
    kim.button("App bewaren")

    kim.button("Nieuwe noodcodes maken")
    expect(page.locator(".codes code")).to_have_count(8)
    codes = page.locator(".codes code").all_inner_texts()
    kim.look()
    kim.link("Klaar: terug naar de tweede stap")
    kim.link("Passkey toevoegen")
    kim.look()
    kim.fill(Naam_van_de_passkey="Mijn telefoon")
    kim.button("Verder")
    page.wait_for_url("**/tweede-stap/")
    expect(page.get_by_role("button", name="Verwijderen van passkey Mijn telefoon")).to_be_visible()
    kim.look()

    kim.log_out()
    kim.log_in("team@kavo.test")
    kim.look()
    page.get_by_label("Met een passkey").check()
    kim.button("Verder")
    kim.look()
    kim.button("Passkey gebruiken")
    page.wait_for_url("**/te-behandelen/")

    kim.log_out()
    kim.log_in("team@kavo.test")
    kim.button("Verder")
    kim.look()
    kim.link("Gebruik een noodcode")
    kim.look()
    kim.fill(Noodcode=codes[3])
    kim.button("Aanmelden")
    page.wait_for_url("**/te-behandelen/")


def test_without_javascript_an_app_does(person):
    kim = person(360, script=False)
    kim.log_in("team@kavo.test")
    kim.link("App instellen")
    kim.page.get_by_text("Scannen lukt niet").click()
    app = TOTP(kim.page.locator("code").inner_text(), format="base32")
    kim.fill(Code_van_6_cijfers=app.generate().token)
    kim.button("App bewaren")
    kim.look()
    kim.log_out()
    kim.log_in("team@kavo.test")
    kim.fill(Code_van_6_cijfers=app.generate(app.normalize_time(None) + 30).token)
    kim.button("Aanmelden")
    expect(kim.page.get_by_role("heading", name="Te behandelen")).to_be_visible()
