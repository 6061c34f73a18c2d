"""What docs/inventories.md lists is what the code has: cryptography, lines to servers, logs, sessions."""

import ast
import re
from functools import cache, partial

import pytest

from portal import clock, settings
from portal.models import UserSession
from tests.test_what_code_uses import ROOT, SOURCES, imported

PAGE = ROOT / "docs" / "inventories.md"
CRYPTOGRAPHY = {"argon2", "cryptography", "hashlib", "hmac", "secrets", "ssl", "webauthn"}
# What else could be imported for it, and is not.
OTHERS = {
    "Crypto",
    "Cryptodome",
    "nacl",
    "jwt",
    "jose",
    "rsa",
    "ecdsa",
    "pyotp",
    "bcrypt",
    "passlib",
    "crypt",
    "OpenSSL",
}
LINES = {"http", "smtplib", "socket", "boto3"}
# Ways to write a log elsewhere than where it is said.
ELSEWHERE = re.compile(
    r"\b(?:\w*File|Stream|Socket|Datagram|SysLog|HTTP|SMTP|Queue|Memory)Handler\b|logging\.(?:handlers|config)\b"
    r"|basicConfig|dictConfig|fileConfig|syslog"
)


@cache
def section(title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)[1]


def named(title, pattern=r"`([\w/]+\.py)`"):
    return set(re.findall(pattern, section(title)))


def importing(modules):
    """Files of ours that import one of these, as the page names them."""
    found = {path: set(imported(path.read_text())) for path in SOURCES}
    return {str(path.relative_to(ROOT)).removeprefix("portal/") for path, names in found.items() if names & modules}


# ── Cryptography ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_module_that_takes_up_cryptography_is_in_the_inventory_and_no_other():
    assert named("Cryptography") == importing(CRYPTOGRAPHY)


def test_it_comes_from_known_libraries_alone():
    assert importing(OTHERS) == set()


def test_a_planted_module_would_be_found():
    assert set(imported("from Crypto.Cipher import DES\nimport hmac")) & OTHERS == {"Crypto"}
    assert set(imported("from cryptography.fernet import Fernet")) & CRYPTOGRAPHY == {"cryptography"}


def test_keys_are_drawn_by_the_system_and_no_pair_of_keys_is_made():
    made = re.compile(r"generate_private_key|RSAPrivateKey|random\.(?:random|randint|choice|getrandbits)|uuid1\(")
    assert [path.name for path in SOURCES if made.search(path.read_text())] == []


STRETCHED = re.compile(r"pbkdf2|scrypt|hash_secret|bcrypt|\bKBKDF|ConcatKDF|from_password|passphrase", re.IGNORECASE)


def test_no_key_is_drawn_from_a_password():
    """A password is hashed to be compared (argon2), never stretched into a key; keys are drawn from keys, by HKDF."""
    assert [path.name for path in SOURCES if "primitives.kdf" in path.read_text()] == ["vault.py"]
    assert [path.name for path in SOURCES if STRETCHED.search(path.read_text())] == []
    assert all(
        STRETCHED.search(planted) for planted in ("PBKDF2HMAC(", "hashlib.scrypt(", "low_level.hash_secret_raw(")
    )


@pytest.mark.parametrize("typed", ["un mot de passe", "correct horse battery staple", "a" * 32, "a" * 64, "ab" * 32])
def test_a_password_is_no_key_of_the_settings(typed):
    for read in (settings.vault_keys, partial(settings.key_list, "BACKUP_KEY")):
        with pytest.raises(settings.WrongSetting):
            read(typed)


# ── Communications ───────────────────────────────────────────────────────────────────────────────────────────────


def test_every_address_that_a_setting_gives_is_in_the_inventory():
    links = {"INDIVIDUAL_SPACE_URL", "APP_STORE_URL", "PLAY_STORE_URL", "DATABASE_OWNER_URL"}
    assert named("Communications", r"`([A-Z_]+_URL)`") == set(settings.ADDRESSES) | links


def test_every_module_that_opens_a_line_is_in_the_inventory():
    assert named("Communications") - {"database.py"} == importing(LINES)


@pytest.mark.parametrize("name", settings.ADDRESSES)
def test_a_kind_of_address_that_is_not_of_the_list_stops_the_start(name):
    given = {"DEMO": "1", name: "gopher://ailleurs.example/"}
    with pytest.raises(settings.WrongSetting, match="doit commencer par"):
        settings.read(given | {"SECRET_KEY": "x" * 40, "VAULT_KEYS": "0123456789abcdef" * 4})


# ── Patterns and objects ─────────────────────────────────────────────────────────────────────────────────────────


def built_patterns(source):
    """Lines where a pattern of `re` holds what is neither a constant of the module nor escaped."""
    for node in ast.walk(ast.parse(source)):
        called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args
        if not called or not isinstance(node.func.value, ast.Name) or node.func.value.id != "re":
            continue
        if node.func.attr == "escape":
            continue
        inner = list(ast.walk(node.args[0]))
        escaped = {id(one) for call in inner if isinstance(call, ast.Call) for one in ast.walk(call) if is_escape(call)}
        names = [one.id for one in inner if isinstance(one, ast.Name) and id(one) not in escaped]
        names += [one.attr for one in inner if isinstance(one, ast.Attribute) and id(one) not in escaped]
        if wrong := [name for name in names if not name.isupper()]:
            yield node.lineno, wrong


def is_escape(call):
    return isinstance(call.func, ast.Attribute) and call.func.attr == "escape"


# Patterns that are made of constants under another name.
OF_CONSTANTS = {"identifiers.py": {"pattern", "patterns", "_", "join"}}


def test_what_is_typed_is_in_no_pattern_unless_it_is_escaped():
    wrong = []
    for path in SOURCES:
        for line, names in built_patterns(path.read_text()):
            if set(names) - OF_CONSTANTS.get(path.name, set()):
                wrong.append((path.name, line, names))
    assert wrong == []


@pytest.mark.parametrize(
    "line", ["re.compile(typed)", 're.search(f"^{words}$", text)', "re.sub('a' + form.q.data, '', x)"]
)
def test_a_planted_pattern_is_found(line):
    assert list(built_patterns(line))
    assert not list(built_patterns("re.compile(re.escape(typed) + 'x'); re.match(rf'{GAP}a', text)"))


POLLUTES = re.compile(
    r"__proto__|\bprototype\b|\w\[[^\]]+\]\s*=[^=]|Object\.(?:assign|setPrototypeOf)\((?!document)|for\s*\(\w+ \w+ in\b"
)


def test_no_script_of_ours_writes_a_property_that_somebody_else_names():
    scripts = list((ROOT / "static" / "js").glob("*.js"))
    assert len(scripts) > 2
    assert {
        path.name: POLLUTES.findall(path.read_text()) for path in scripts if POLLUTES.search(path.read_text())
    } == {}


@pytest.mark.parametrize(
    "line", ["kept[name] = value;", "Object.assign(options, JSON.parse(text))", "x.__proto__.y = 1"]
)
def test_a_script_that_would_is_found(line):
    assert POLLUTES.search(line)


# ── Logs and sessions ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_portal_logs_to_its_standard_error_alone():
    found = {path.name: ELSEWHERE.findall(path.read_text()) for path in SOURCES if "logging" in path.read_text()}
    assert {name: words for name, words in found.items() if words} == {}
    assert "standard error" in section("Logs")
    for line in ("logging.FileHandler(path)", "logging.handlers.SysLogHandler()", "RotatingFileHandler(path)"):
        assert ELSEWHERE.search(line)


def test_nginx_writes_in_the_logs_of_the_inventory():
    site = (ROOT / "deploy" / "nginx.conf").read_text()
    written = set(re.findall(r"(?:access|error)_log (/\S+?)[ ;]", site))
    assert written == named("Logs", r"`(/[\w./-]+\.log)`")


def test_an_account_has_as_many_sessions_as_it_opens(hr):
    """As the inventory says; none ends because another begins."""
    now = clock.now()
    tokens = [UserSession.start(hr, now, "", "")[1] for _ in range(30)]
    assert all(UserSession.of(token, now) for token in tokens)
    assert hr.open_sessions(now).count() == 30
    assert "any number of sessions" in section("Sessions")
