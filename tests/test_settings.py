"""A setting that is wrong stops the start with one sentence that names it, and never shows its value."""

import pytest

from portal import settings

GOOD = {"DEMO": "0", "SECRET_KEY": "s" * 40, "VAULT_KEYS": "0123456789abcdef" * 4}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "trop court"),
        ("VAULT_KEYS", ""),
        ("VAULT_KEYS", "pas une clé"),
        ("VAULT_KEYS", "00" * 32),
        ("VAULT_KEYS", "0123456789abcdef" * 4 + "," + "0123456789abcdef" * 4),
        ("BACKUP_KEY", "pas une clé"),
        ("BACKUP_KEY", GOOD["VAULT_KEYS"]),
        ("DATABASE_URL", "mysql://serveur/base"),
        ("SMTP_URL", "gopher://x"),
        ("PUBLIC_URL", "portail.example"),
        ("STORAGE_URL", "ftp://x"),
        ("DEMO", "oui"),
        ("PORT", "abc"),
        ("PORT", "70000"),
        ("PORT", "0"),
        ("HOST", "portail"),
        ("HOST", "127.0.0.300"),
        ("HOST", "http://127.0.0.1"),
        ("HOST", "127.0.0.1:5000"),
        ("INDIVIDUAL_SPACE_URL", "javascript:alert(1)"),
        ("INDIVIDUAL_SPACE_URL", "adherents.example"),
        ("PLAY_STORE_URL", "data:text/html,x"),
        ("SUPPORT_EMAIL", "entreprises"),
        ("MAIL_FROM", "La mutuelle"),
        ("BEHIND_PROXY", "true"),
        ("BRAND_NAME", "   "),
        ("BRAND_NAME", "Deux\nlignes"),
        ("INSURER_NAME", " "),
        ("SUPPORT_PHONE", "01\r\nBcc: x"),
        ("DATABASE_URL", "postgresql://u:p@serveur:99999/base"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, name, value):
    with pytest.raises(SystemExit) as stopped:
        settings.read({**GOOD, "INSTANCE": str(tmp_path), name: value})
    sentence = str(stopped.value)
    assert sentence.startswith(f"{name}\u00a0: ")
    assert not value or len(value) < 10 or value not in sentence


OTHER_MACHINES = [
    ("DATABASE_URL", "postgresql://portal:x@base.example/portal"),
    ("DATABASE_URL", "postgresql://portal:x@base.example/portal?sslmode=require"),
    ("DATABASE_URL", "postgresql://portal:x@base.example/portal?sslmode=verify-full&sslmode=prefer"),
    ("DATABASE_URL", "postgresql://portal:x@localhost,base.example/portal"),
    ("DATABASE_URL", "postgresql://portal:x@/portal?host=10.0.0.5"),
    ("DATABASE_URL", "postgresql://portal:x@localhost/portal?hostaddr=10.0.0.5"),
    ("DATABASE_URL", "postgresql://portal:x@127.0.0.1/portal?sslmode=require"),
    ("DATABASE_OWNER_URL", "postgresql://owner:x@base.example/portal"),
    ("SMS_URL", "http://sms.example/v1"),
    ("AWS_ENDPOINT_URL", "http://s3.example"),
    ("AWS_ENDPOINT_URL_S3", "http://s3.example"),
    ("CLAMD_URL", "tcp://10.0.0.7:3310"),
]
PROVED = [
    ("DATABASE_URL", "postgresql://portal:x@base.example/portal?connect_timeout=2&sslmode=verify-full"),
    ("DATABASE_URL", "postgresql://portal@/portal?host=/var/run/postgresql"),
    ("DATABASE_URL", "postgresql://portal@%2Fvar%2Frun%2Fpostgresql/portal"),
    ("DATABASE_URL", "postgresql://portal:x@[::1]:5432/portal"),
    ("DATABASE_URL", "postgresql://portal:x@localhost/portal?sslmode=disable"),
    ("SMS_URL", "http://127.0.0.1:8000/v1"),
    ("AWS_ENDPOINT_URL", "https://s3.example"),
    ("CLAMD_URL", "tcp://127.0.0.1:3310"),
]


@pytest.mark.parametrize(("name", "url"), OTHER_MACHINES)
def test_a_server_of_another_machine_that_does_not_prove_its_name_stops_the_start(tmp_path, name, url):
    with pytest.raises(SystemExit, match=f"^{name}\u00a0: "):
        settings.read({**GOOD, "INSTANCE": str(tmp_path), name: url})
    assert settings.read({"DEMO": "1", "INSTANCE": str(tmp_path), name: url}).demo


@pytest.mark.parametrize(("name", "url"), PROVED)
def test_a_server_that_does_or_is_of_this_machine_is_taken(tmp_path, name, url):
    assert not settings.read({**GOOD, "INSTANCE": str(tmp_path), name: url}).demo


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("postgresql://portal:x@127.0.0.1/portal", "?sslmode=disable"),
        ("postgresql://portal:x@localhost/portal?connect_timeout=2", "&sslmode=disable"),
        ("postgresql://portal:x@localhost/portal?sslmode=verify-full", ""),
        ("postgresql://portal@/portal?host=/var/run/postgresql", ""),
        ("sqlite:////tmp/portal.db", ""),
    ],
)
def test_a_base_of_this_machine_is_asked_for_no_tls_that_proves_nothing(tmp_path, url, asked):
    assert settings.read({**GOOD, "INSTANCE": str(tmp_path), "DATABASE_URL": url}).database_url == url + asked


def test_an_address_that_begins_well_is_told_of_its_end(tmp_path):
    with pytest.raises(SystemExit, match="vérifiez ce qui suit"):
        settings.read({**GOOD, "INSTANCE": str(tmp_path), "SMTP_URL": "smtp://serveur:port"})


def test_words_may_hold_the_spaces_of_french(tmp_path):
    hours = "8\u202fh – 17\u00a0h"
    assert settings.read({**GOOD, "INSTANCE": str(tmp_path), "SUPPORT_HOURS": hours}).support_hours == hours


def test_an_instance_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit, match="^INSTANCE"):
        settings.read({"DEMO": "1", "INSTANCE": str(tmp_path / "file")})


@pytest.mark.parametrize(("host", "address"), [("", "127.0.0.1"), ("10.0.0.7", "10.0.0.7"), ("::1", "[::1]")])
def test_where_it_listens_stands_in_its_address(tmp_path, host, address):
    given = {**GOOD, "INSTANCE": str(tmp_path), "PUBLIC_URL": "", "HOST": host, "PORT": "5001"}
    assert settings.read(given).public_url == f"http://{address}:5001"


def test_a_portal_that_has_an_address_does_not_look_at_the_port(tmp_path):
    given = {
        **GOOD,
        "INSTANCE": str(tmp_path),
        "PUBLIC_URL": "https://portail.example",
        "PORT": "tcp://10.0.0.1:80",
    } | {"HOST": "?"}
    assert settings.read(given).public_url == "https://portail.example"


def test_a_sender_may_have_a_name(tmp_path):
    given = {**GOOD, "INSTANCE": str(tmp_path), "MAIL_FROM": "La mutuelle <bonjour@mutuelle.example>"}
    assert settings.read(given).mail_from == given["MAIL_FROM"]


@pytest.mark.parametrize("end", ["", "/", "//"])
def test_the_pages_of_the_individual_space_are_under_its_address(tmp_path, end):
    given = {**GOOD, "INSTANCE": str(tmp_path), "INDIVIDUAL_SPACE_URL": f"https://adherents.example/espace{end}"}
    assert settings.Brand(settings.read(given)).individual_space_url == "https://adherents.example/espace/"


def test_outside_the_demonstration_keys_are_asked_for(tmp_path):
    for missing in ("SECRET_KEY", "VAULT_KEYS"):
        environment = {**GOOD, "INSTANCE": str(tmp_path)}
        del environment[missing]
        with pytest.raises(SystemExit, match=missing):
            settings.read(environment)
    assert list(tmp_path.iterdir()) == []


def test_the_demonstration_makes_its_keys_once_and_keeps_them(tmp_path):
    first = settings.read({"DEMO": "1", "INSTANCE": str(tmp_path)})
    again = settings.read({"DEMO": "1", "INSTANCE": str(tmp_path)})
    assert (first.secret_key, first.vault_keys) == (again.secret_key, again.vault_keys)
    assert (tmp_path / "vault_keys").stat().st_mode & 0o077 == 0


def test_a_command_takes_the_account_that_owns_the_tables_where_it_is_given(tmp_path):
    said = {**GOOD, "INSTANCE": str(tmp_path), "DATABASE_URL": "postgresql://portal@h/portal?sslmode=verify-full"}
    assert settings.read(said).database_url == said["DATABASE_URL"]
    said["DATABASE_OWNER_URL"] = "postgresql://portal_owner@h/portal?sslmode=verify-full"
    assert settings.read(said).database_url == said["DATABASE_OWNER_URL"]


def test_keys_are_read_in_hexadecimal_and_in_base64(tmp_path):
    import base64

    key = bytes(range(32))
    for text in (key.hex(), base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode().rstrip("=")):
        assert settings.vault_keys(text) == (key,)


def test_a_portal_that_nobody_configured_is_the_demonstration(tmp_path):
    assert settings.read({"INSTANCE": str(tmp_path)}).demo
    assert not settings.read({"INSTANCE": str(tmp_path), **{k: v for k, v in GOOD.items() if k != "DEMO"}}).demo


@pytest.mark.parametrize(
    ("said", "demo", "asked"),
    [
        ("", "0", "new_device"),
        ("always", "0", "always"),
        ("", "1", "optional"),
        ("optional", "1", "optional"),
        ("new_device", "1", "new_device"),
    ],
)
def test_when_the_second_factor_is_asked_for(said, demo, asked, tmp_path):
    environment = GOOD | {"DEMO": demo, "SECOND_FACTOR": said, "INSTANCE": str(tmp_path)}
    assert settings.read(environment).factor_asked == asked


@pytest.mark.parametrize("said", ["optional", "never"])
def test_a_real_portal_asks_everyone_for_the_second_factor(said):
    with pytest.raises(settings.WrongSetting, match="SECOND_FACTOR"):
        settings.read(GOOD | {"SECOND_FACTOR": said})
