"""What an operator is given: slow clients hold no worker, and nobody else reads the files of the portal."""

import contextlib
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app import create_app
from bench import servers
from portal.models import db

ROOT = Path(__file__).parent.parent


def test_nginx_takes_in_whole_requests_and_leaves_silent_clients():
    said = dict(re.findall(r"^\s*(\w+) ([^;]+);", (ROOT / "deploy/nginx.conf").read_text(), flags=re.MULTILINE))
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
    process = subprocess.Popen(["bash", "deploy/run.sh"], cwd=ROOT, env=environment, start_new_session=True)
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
    assert process.wait(20) == 0
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


def test_stopping_the_service_tells_its_master_alone():
    assert "\nKillMode=mixed\n" in (ROOT / "deploy/portal.service").read_text()


def test_a_port_that_is_taken_is_not_shared(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environment = os.environ | {"INSTANCE": str(tmp_path), "HOST": "127.0.0.1", "PORT": str(taken.getsockname()[1])}
        refused = subprocess.run(
            ["bash", "deploy/run.sh"], cwd=ROOT, env=environment, timeout=20, capture_output=True, text=True
        )
    assert refused.returncode == 1
    assert "est déjà pris" in refused.stderr
    assert not list(tmp_path.iterdir())
