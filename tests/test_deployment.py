"""What an operator is given: slow clients hold no worker, and nobody else reads the files of the portal."""

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from app import create_app
from bench import servers
from portal.models import db

ROOT = Path(__file__).parent.parent


def test_nginx_takes_in_whole_requests_and_leaves_silent_clients():
    said = dict(re.findall(r"^    (\w+) ([^;]+);", (ROOT / "deploy/nginx.conf").read_text(), flags=re.MULTILINE))
    assert said["proxy_request_buffering"] == said["proxy_buffering"] == "on"
    assert {said["client_body_timeout"], said["client_header_timeout"]} == {"10s"}
    assert said["client_body_buffer_size"] == said["client_max_body_size"]


def test_nginx_writes_no_token_of_a_link_in_its_log():
    conf = (ROOT / "deploy/nginx.conf").read_text()
    assert "$request_method $logged_uri" in conf
    (masked,) = re.findall(r'"~(\^/[^"]+)" /\$room/-;', conf)
    masked = masked.replace("?<", "?P<")
    rules = [rule.rule for rule in create_app().url_map.iter_rules() if "token" in rule.arguments]
    assert len(rules) >= 5
    for rule in rules:
        assert re.match(masked, rule.replace("<token>", secrets.token_urlsafe(32))), rule
    assert not re.match(masked, "/salaries/0f4f1a52-6c5b-4f5e-8a57-111111111111")


def test_what_the_portal_writes_is_its_own_to_read(tmp_path, monkeypatch):
    for name in ("DATABASE_URL", "STORAGE_URL", "SMTP_URL", "SECRET_KEY", "VAULT_KEYS", "PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("INSTANCE", str(tmp_path / "instance"))
    monkeypatch.setenv("DEMO", "1")
    before = os.umask(0o022)
    try:
        portal = create_app()
        assert portal.test_cli_runner().invoke(args=["db", "upgrade"]).exit_code == 0
        portal.test_client().get("/sante")  # makes the folder of files
        made = [tmp_path / "instance", *(tmp_path / "instance").rglob("*")]
        assert {path.name for path in made} >= {"instance", "portal.db", "files"}
        assert not [path for path in made if path.stat().st_mode & 0o077]
    finally:
        db.close_all()
        os.umask(before)


def test_a_measure_that_stops_early_says_why_and_leaves_no_server(monkeypatch):
    """Whether the server ends when it is told or not."""
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    monkeypatch.setattr(servers, "PATIENCE", 0.2)
    server = subprocess.Popen([sys.executable, "-c", deaf], start_new_session=True, stdout=subprocess.PIPE)
    with server.stdout:
        server.stdout.read(1)  # it no longer listens
    with pytest.raises(SystemExit, match="trop lent"):
        try:
            raise SystemExit("trop lent")
        finally:
            servers.stop(server)
    assert server.returncode == -9


@pytest.fixture
def started(tmp_path):
    """`make run`, once everything is installed: its process, and those that it started, once the portal answers."""
    port = servers.free_port()
    environment = os.environ | {"INSTANCE": str(tmp_path), "DEMO": "1", "HOST": "127.0.0.1", "PORT": str(port)}
    # Of a terminal; what runs behind a shell inherits a Ctrl-C that is not heard, which bash cannot change.
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(["bash", "deploy/run.sh"], cwd=ROOT, env=environment, start_new_session=True)
    signal.signal(signal.SIGINT, heard)
    servers.wait_until_it_answers(process, port)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    yield process, [int(child) for child in children]
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(child), signal.SIGKILL)
    process.kill()


def test_ctrl_c_is_told_once_to_each_and_ends_all(started):
    """A process of granian that is told twice, by the terminal and by its master, may never end."""
    process, children = started
    assert len(children) == 2
    assert [os.getpgid(child) for child in children] == children
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 0
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setenv("STOP_TENTHS", "50")


def test_ctrl_c_ends_one_that_does_not_hear_it(impatient, started):
    process, children = started
    os.kill(children[0], signal.SIGSTOP)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 0
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


def test_stopping_the_service_tells_its_master_alone():
    assert "\nKillMode=mixed\n" in (ROOT / "deploy/portal.service").read_text()


def test_a_port_that_is_taken_is_not_shared(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = refused_at(tmp_path, "127.0.0.1", str(taken.getsockname()[1]))
    assert "est déjà pris" in refused


@pytest.mark.parametrize(
    ("host", "port", "name"),
    [("portail", "5001", "HOST"), ("127.0.0", "5001", "HOST"), ("203.0.113.9", "5001", "HOST"), ("::1", "x", "PORT")],
)
def test_a_place_where_the_portal_cannot_listen_is_named(tmp_path, host, port, name):
    (sentence,) = refused_at(tmp_path, host, port).splitlines()
    assert sentence.startswith(f"{name}\u00a0: ")


def refused_at(instance, host, port):
    """What `make run` says on its error output where it does not start, and leaves nothing."""
    environment = os.environ | {"INSTANCE": str(instance), "HOST": host, "PORT": port}
    refused = subprocess.run(
        ["bash", "deploy/run.sh"], cwd=ROOT, env=environment, timeout=20, capture_output=True, text=True
    )
    assert refused.returncode == 1
    assert not list(instance.iterdir())
    return refused.stderr


# What is installed


def pinned(text):
    """Name → version; extras and case do not count."""
    found = re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==([^\s;\\]+)", text, flags=re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


def test_the_lock_says_what_the_requirements_say_each_with_its_hashes():
    """When it fails: `make lock`."""
    asked, lock = pinned((ROOT / "requirements.txt").read_text()), (ROOT / "requirements.lock").read_text()
    locked = pinned(lock)
    assert len(asked) > 20
    assert {name: locked.get(name) for name in asked} == asked
    entries = re.split(r"\n(?=[a-z0-9])", lock.partition("\n")[2])
    assert not [entry.split("\n")[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry]
    assert not re.search(r"https?://", lock)


def test_the_bill_of_materials_names_every_package_of_the_lock_and_is_the_same_twice(tmp_path):
    made = []
    for name in ("one.json", "two.json"):
        command = ["-m", "cyclonedx_py", "requirements", "requirements.lock", "--output-reproducible"]
        subprocess.run([sys.executable, *command, "-o", tmp_path / name], cwd=ROOT, check=True, capture_output=True)
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]
    names = {re.sub(r"[-_.]+", "-", part["name"]).lower() for part in json.loads(made[0])["components"]}
    assert names == set(pinned((ROOT / "requirements.lock").read_text()))


@pytest.fixture
def units(tmp_path):
    """The units where systemd would read them."""
    there = tmp_path / "etc/systemd/system"
    for folder in ("portal.service.d", "portal-.service.d"):
        (there / folder).mkdir(parents=True)
        shutil.copy(ROOT / "deploy/sandbox.conf", there / folder)
    for unit in [*(ROOT / "deploy").glob("*.service"), *(ROOT / "deploy").glob("*.timer")]:
        shutil.copy(unit, there)
    return tmp_path


@pytest.mark.parametrize("unit", ["portal", "portal-schema", "portal-worker", "portal-backup"])
def test_a_unit_is_sandboxed(units, unit):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd is not installed")
    command = ["systemd-analyze", "security", "--offline=true", f"--root={units}", "--threshold=15", f"{unit}.service"]
    looked = subprocess.run(command, capture_output=True, text=True)
    assert looked.returncode == 0, looked.stdout
    assert "Overall exposure level" in looked.stdout


def test_the_key_of_backups_is_given_to_their_unit_alone():
    backup = (ROOT / "deploy/portal-backup.service").read_text()
    assert (
        "EnvironmentFile=/etc/trait-d-union-backup.env" in backup
        and "Persistent=true" in (ROOT / "deploy/portal-backup.timer").read_text()
    )
    for name in ("portal.service", "portal-worker.service", "sandbox.conf"):
        assert "backup" not in (ROOT / "deploy" / name).read_text()


def test_the_account_that_owns_the_tables_is_given_to_the_unit_of_the_schema_alone():
    given = "EnvironmentFile=-/etc/trait-d-union-owner.env"
    holders = [path.name for path in (ROOT / "deploy").glob("*.service") if given in path.read_text()]
    assert holders == ["portal-schema.service"]
    assert "owner" not in (ROOT / "deploy/sandbox.conf").read_text()
    assert "Requires=portal-schema.service" in (ROOT / "deploy/portal.service").read_text()


def test_logs_are_kept_for_a_year_at_most(tmp_path):
    conf = (ROOT / "deploy/logrotate.conf").read_text()
    assert "maxage 365" in conf and "rotate 365" in conf
    if not shutil.which("logrotate"):
        pytest.skip("logrotate is not installed")
    (tmp_path / "logrotate.conf").write_text(conf.replace("/var/log/trait-d-union", str(tmp_path)))
    (tmp_path / "access.log").write_text("x")
    (tmp_path / "logrotate.conf").chmod(0o644)
    command = ["logrotate", "--debug", "--state", tmp_path / "state", tmp_path / "logrotate.conf"]
    looked = subprocess.run(command, capture_output=True, text=True)
    assert looked.returncode == 0 and "error" not in looked.stderr, looked.stderr


@pytest.fixture
def machine(tmp_path):
    """The files of an installed machine, as they should be."""
    for folder in ("etc", "var/lib/trait-d-union", "var/backups/trait-d-union/2026-11-26T023000Z", "srv/trait-d-union"):
        (tmp_path / folder).mkdir(parents=True, mode=0o700)
    for folder in ("var/lib/trait-d-union", "var/backups/trait-d-union"):
        (tmp_path / folder).chmod(0o700)
    written = {
        "etc/trait-d-union.env": "PUBLIC_URL=https://portail.example\nDEMO=0\nAUDIT_HEADS_DIR=/var/lib/trait-d-union\n",
        "etc/trait-d-union-backup.env": "BACKUP_KEY=x\n",
        "var/lib/trait-d-union/audit-heads.txt": "x",
        "var/backups/trait-d-union/2026-11-26T023000Z/manifest.json": "{}",
        "srv/trait-d-union/app.py": "x",
    }
    for path, text in written.items():
        (tmp_path / path).write_text(text)
        (tmp_path / path).chmod(0o400 if path.startswith("etc") else 0o600)
    return tmp_path


def checked(machine):
    environment = os.environ | {"ROOT": str(machine), "ONLY": "files settings backups"}
    looked = subprocess.run(["bash", "deploy/check.sh"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert not looked.stderr, looked.stderr
    return looked.returncode, [line for line in looked.stdout.splitlines() if line.startswith("FAUTE")]


@pytest.mark.skipif(os.geteuid() != 0, reason="it looks at what root owns")
def test_a_machine_that_is_as_it_should_be_passes_its_check(machine):
    assert checked(machine) == (0, [])


def age(path):
    old = path.stat().st_mtime - 30 * 3600
    os.utime(path, (old, old))


def add_setting(line, root):
    path = root / "etc/trait-d-union.env"
    path.write_text(f"{path.read_text()}{line}\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="it looks at what root owns")
@pytest.mark.parametrize(
    "line",
    [
        "DATABASE_URL=sqlite:////var/lib/trait-d-union/portal.db",
        "DATABASE_URL=postgresql://portal@/portal?host=/var/run/postgresql",
        "DATABASE_URL=postgresql://portal:x@[::1]:5432/portal",
        "DATABASE_URL=postgresql://portal:x@base.example:5432/portal?connect_timeout=2&sslmode=verify-full",
        "SMTP_URL=smtps://portail:x@relais.example",
        "SMTP_URL=file:///var/lib/trait-d-union/outbox",
        "SMS_URL=https://passerelle.example/sms",
        "CLAMD_URL=unix:///run/clamav/clamd.ctl",
        "CLAMD_URL=tcp://127.0.0.1:3310",
    ],
)
def test_a_line_of_this_machine_or_that_is_proved_passes(machine, line):
    add_setting(line, machine)
    assert checked(machine) == (0, [])


HARMS = {
    "settings that others read": (lambda root: (root / "etc/trait-d-union.env").chmod(0o440), "trait-d-union.env"),
    "data that others read": (lambda root: (root / "var/lib/trait-d-union/audit-heads.txt").chmod(0o604), "/var/lib"),
    "code that others write": (lambda root: (root / "srv/trait-d-union/app.py").chmod(0o622), "n’y écrit"),
    "an old backup": (lambda root: [age(path) for path in root.glob("var/backups/*/*/*")], "moins de 26 h"),
    "no backup": (lambda root: [path.unlink() for path in root.glob("var/backups/*/*/*")], "Il y a une sauvegarde"),
    "a head of long ago": (lambda root: age(root / "var/lib/trait-d-union/audit-heads.txt"), "tête du journal"),
    "a key among the backups": (
        lambda root: (root / "var/backups/trait-d-union/env").write_text("VAULT_KEYS=1\n"),
        "Aucune clé",
    ),
    **{
        f"a line in clear: {line}": (partial(add_setting, line), line.partition("=")[0])
        for line in (
            "DATABASE_URL=postgresql://portal:x@base.example/portal",
            "DATABASE_URL=postgresql://portal:x@/portal?host=10.0.0.5&sslmode=require",
            "SMTP_URL=smtp://relais.example:25",
            "SMS_URL=http://10.0.0.7/sms",
            "AWS_ENDPOINT_URL=http://s3.example",
            "CLAMD_URL=tcp://scan.example:3310",
        )
    },
    "the demonstration": (
        lambda root: (root / "etc/trait-d-union.env").write_text("PUBLIC_URL=https://x\nDEMO=1\n"),
        "DEMO",
    ),
}


@pytest.mark.skipif(os.geteuid() != 0, reason="it looks at what root owns")
@pytest.mark.parametrize("harm", HARMS)
def test_a_planted_fault_of_a_machine_is_told(machine, harm):
    plant, said = HARMS[harm]
    plant(machine)
    status, faults = checked(machine)
    assert status == 1
    assert [line for line in faults if said in line], faults
