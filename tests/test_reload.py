"""`systemctl reload portal`, with the server that its unit starts: another code, and no request that fails."""

import http.client
import os
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from contextlib import contextmanager

import pytest

from tests.conftest import KEYS
from tests.servers import free_port
from tests.test_deployment import ROOT

UNIT = (ROOT / "deploy" / "portal.service").read_text()
BUSY = 12  # seconds that a new process gets here; the unit gives it more
pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")


def command(port):
    """What the unit runs, on another port; its reload."""
    (line,) = re.findall(r"^ExecStart=(.+)$", UNIT, re.MULTILINE)
    (interval,) = re.findall(r"--respawn-interval (\d+)", line)
    assert int(interval) >= BUSY
    line = line.replace("/srv/trait-d-union", str(ROOT)).replace("--port 5000", f"--port {port}")
    return line.replace(f"--respawn-interval {interval}", f"--respawn-interval {BUSY}").split()


@contextmanager
def server(settings, folder):
    """(its process, its port, what it says)."""
    port, log = free_port(), folder / "granian.log"
    environment = os.environ | {
        "INSTANCE": str(settings.instance),
        "DATABASE_URL": settings.database_url,
        "STORAGE_URL": settings.storage_url,
        "DEMO": "1",
        "SECRET_KEY": settings.secret_key,
        "VAULT_KEYS": ",".join(KEYS),
    }
    with open(log, "w") as said:
        process = subprocess.Popen(command(port), cwd=ROOT, env=environment, stderr=said, stdout=said)
    try:
        until(lambda: log.read_text().count("Started worker") == 2 and get(port) == 200)
        yield process, port, log
    finally:
        process.terminate()
        process.wait(40)


def get(port):
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        line.request("GET", "/connexion")
        answer = line.getresponse()
        return answer.status if answer.read() else 0
    except OSError as fault:
        return type(fault).__name__
    finally:
        line.close()


def until(good, seconds=90):
    end = time.monotonic() + seconds
    while not good():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_a_reload_fails_no_request(chosen_settings, tmp_path, figure):
    (reload,) = re.findall(r"^ExecReload=(.+)$", UNIT, re.MULTILINE)
    assert reload == "/bin/kill -HUP $MAINPID"
    answers, over = Counter(), threading.Event()

    def ask(port):
        while not over.wait(0.03):
            answers[get(port)] += 1

    with server(chosen_settings, tmp_path) as (process, port, log):
        before = set(re.findall(r"Spawning worker-\d with PID: (\d+)", log.read_text()))
        threads = [threading.Thread(target=ask, args=(port,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            process.send_signal(signal.SIGHUP)
            until(lambda: log.read_text().count("Stopped old worker") == 2)
            time.sleep(0.5)
        finally:
            over.set()
            for thread in threads:
                thread.join()
        after = set(re.findall(r"Spawning worker-\d with PID: (\d+)", log.read_text())) - before
    assert len(before) == len(after) == 2
    assert answers.keys() == {200} and answers[200] > 100, dict(answers)
    figure("CRA-9", answers[200], "requests during a reload, none failed")
