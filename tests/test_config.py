"""Settings: the defaults of the contract, and the values that production refuses."""

import pytest

import config

KEYS = {"KAVO_SECRET_KEY": "s" * 40, "KAVO_LOOKUP_KEY": "l" * 40}
PRODUCTION = {
    **KEYS,
    "KAVO_ENV": "production",
    "KAVO_DATABASE_URL": "postgresql://x/y",
    "KAVO_QUEUE_URL": "redis://x",
    "KAVO_SMTP_URL": "smtps://x",
    "KAVO_MAIL_FROM": "a@b.be",
    "KAVO_TEAM_MAIL": "a@b.be",
    "KAVO_BASE_URL": "https://x.be",
    "KAVO_EID_ISSUER": "https://eid.be/op",
    "KAVO_EID_CLIENT_ID": "x",
    "KAVO_EID_CLIENT_SECRET": "x",
}


def test_a_laptop_needs_no_setting(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "PROJECT", tmp_path)
    settings = config.load({})

    assert settings.database_url == f"sqlite:///{tmp_path}/instance/kavo.db"
    assert settings.queue_url == f"sqlite:///{tmp_path}/instance/queue.db"
    assert (settings.port, settings.base_url, settings.rate_limits) == (8000, "http://localhost:8000", True)
    assert (settings.mail_from, settings.team_mail) == ("kavo@kavo.test", "team@kavo.test")
    assert (settings.eid_issuer, settings.eid_scopes, settings.local_eid) == (
        "http://localhost:8027",
        "openid profile rrn vo",
        True,
    )
    kept = tmp_path / "instance" / "secret.key"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert config.load({}).secret_key == settings.secret_key == kept.read_text()
    assert settings.secret_key not in repr(settings)


def test_the_means_and_the_former_keys_are_lists():
    settings = config.load({**KEYS, "KAVO_EID_ACR": "urn:a, urn:b  urn:c", "KAVO_OLD_LOOKUP_KEYS": "one two"})

    assert (settings.eid_acr, settings.old_lookup_keys) == (("urn:a", "urn:b", "urn:c"), ("one", "two"))
    assert (config.load(KEYS).eid_acr, config.load(KEYS).old_lookup_keys) == ((), ())


@pytest.mark.parametrize("named", [None, "", " , "])
def test_production_accepts_strong_means_alone_unless_others_are_named(named):
    settings = config.load(PRODUCTION if named is None else {**PRODUCTION, "KAVO_EID_ACR": named})

    assert [means.rpartition(":")[2] for means in settings.eid_acr] == ["eid", "eidashigh", "itsme", "csamtotp"]


@pytest.mark.parametrize(
    "named, accepted",
    [
        ("urn:be:vlaanderen:authmech:eid", ["eid"]),
        ("urn:be:vlaanderen:authmech:itsme", ["eid", "eidashigh", "itsme"]),
        ("urn:be:vlaanderen:authmech:itsme,urn:be:vlaanderen:authmech:csamsms", ["itsme", "csamsms"]),
        ("urn:of:others:high", ["high"]),
    ],
)
def test_one_means_is_the_minimum_level_and_several_are_a_list(named, accepted):
    settings = config.load({**KEYS, "KAVO_EID_ACR": named})

    assert [means.rpartition(":")[2] for means in settings.eid_acr] == accepted


def test_links_follow_the_port_unless_said_otherwise():
    assert config.load({**KEYS, "KAVO_PORT": "8100"}).base_url == "http://localhost:8100"
    assert config.load({**KEYS, "KAVO_BASE_URL": "https://x.be/"}).base_url == "https://x.be"


def test_a_file_with_a_full_path_is_kept():
    assert config.load({**KEYS, "KAVO_DATABASE_URL": "sqlite:////tmp/x.db"}).database_url == "sqlite:////tmp/x.db"


@pytest.mark.parametrize("name", [name for name in PRODUCTION if name != "KAVO_ENV"])
def test_production_says_which_setting_is_missing(name):
    assert config.load(PRODUCTION).production

    with pytest.raises(config.SettingsError, match=name):
        config.load({key: value for key, value in PRODUCTION.items() if key != name})


@pytest.mark.parametrize(
    "name, value",
    [
        ("KAVO_RATE_LIMITS", "off"),
        ("KAVO_BASE_URL", "http://x.be"),
        ("KAVO_SECRET_KEY", "short"),
        ("KAVO_LOOKUP_KEY", "short"),
        ("KAVO_ENV", "test"),
        ("KAVO_OLD_SECRET_KEYS", "short"),
        ("KAVO_OLD_LOOKUP_KEYS", "l" * 32 + " short"),
        ("KAVO_EID_ISSUER", "http://localhost:8027"),
    ],
)
def test_production_refuses_what_is_only_fit_for_a_laptop(name, value):
    with pytest.raises(config.SettingsError, match=name):
        config.load({**PRODUCTION, name: value})


@pytest.mark.parametrize(
    "environ, demanded",
    [
        ({}, False),
        ({"KAVO_TEAM_2FA": "1"}, True),
        ({"KAVO_ENV": "production"}, True),
        ({"KAVO_ENV": "production", "KAVO_TEAM_2FA": "0"}, False),
    ],
)
def test_the_team_needs_a_second_step_in_production_and_where_it_is_asked(environ, demanded):
    assert config.load({**PRODUCTION, "KAVO_ENV": "development", **environ}).team_2fa is demanded


def test_a_copy_to_read_from_is_for_postgresql():
    copy = {**KEYS, "KAVO_REPLICA_URL": "postgresql://x/y"}
    assert config.load({**copy, "KAVO_DATABASE_URL": "postgresql://x/y"}).replica_url == "postgresql://x/y"
    with pytest.raises(config.SettingsError, match="KAVO_REPLICA_URL is for PostgreSQL"):
        config.load(copy)
