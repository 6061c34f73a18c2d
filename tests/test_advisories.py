"""`make audit`: no package of the lock goes unasked, an advisory is told, and a base that is down is no good news."""

import contextlib
import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PLANTED = {"id": "PYSEC-0000-1", "summary": "Planted.", "details": "Planted by a test.", "affected": []}


@contextlib.contextmanager
def base_of_advisories(planted=()):
    """A base as OSV answers; (its address, the packages it was asked for). What is planted is of each named package."""
    asked = {}

    class Base(BaseHTTPRequestHandler):
        def do_POST(self):
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = query["package"]["name"]
            asked[name] = query["version"]
            said = json.dumps({"vulns": [PLANTED]} if name in planted else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Base)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query", asked
    finally:
        server.shutdown()
        server.server_close()


def audit(address, folder):
    command = [
        "make",
        "-s",
        "-o",
        "install-tests",
        "audit",
        f"OSV={address}",
        f"ARGS=--cache-dir {folder} --format json",
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def locked_here():
    """What a portal on this interpreter installs: name -> version."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    wanted = [
        Requirement(line.removesuffix("\\")) for line in lines if "==" in line and not line.startswith((" ", "#"))
    ]
    applying = [one for one in wanted if one.marker is None or one.marker.evaluate()]
    return {one.name: str(one.specifier).removeprefix("==") for one in applying}


def test_each_package_of_the_lock_is_asked_for(tmp_path, figure):
    with base_of_advisories() as (address, asked):
        answer = audit(address, tmp_path)
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout)["dependencies"]
    assert asked == locked_here() == {one["name"]: one["version"] for one in told}
    assert len(asked) > 50 and not [one for one in told if "skip_reason" in one]
    figure("DEP-1", len(asked), "packages asked for, none skipped")


@pytest.mark.parametrize("name", ["flask", "pillow"])
def test_an_advisory_is_told(tmp_path, name):
    with base_of_advisories([name]) as (address, _):
        answer = audit(address, tmp_path)
    assert answer.returncode != 0
    told = json.loads(answer.stdout)["dependencies"]
    assert [one["name"] for one in told if one["vulns"]] == [name]


def test_a_base_that_does_not_answer_is_no_good_news(tmp_path):
    with base_of_advisories() as (address, _):
        pass
    answer = audit(address, tmp_path)
    assert answer.returncode != 0 and "No known vulnerabilities" not in answer.stdout + answer.stderr
