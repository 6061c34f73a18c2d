"""A real clamd for as long as the tests last, with a base of one signature, made here: none can be downloaded."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time

import pytest

# In two pieces, so that no antivirus takes this very file away.
EICAR = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}" + "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").encode()
SIGNATURE = "Local.Eicar.Test.UNOFFICIAL"


@contextlib.contextmanager
def throwaway_clamd():
    """(by its socket, by its port); streams of 5 Mo at most."""
    program = shutil.which("clamd", path=f"{os.environ['PATH']}:/usr/sbin")
    if not program:
        if os.environ.get("CI"):
            pytest.fail("clamd is missing: `make test` installs it")
        pytest.skip("clamd is not installed")
    folder = tempfile.mkdtemp(prefix="clamd-")  # the path of a socket must stay short
    try:
        yield from run(program, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(program, folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.mkdir(f"{folder}/base")
    with open(f"{folder}/base/local.ndb", "w") as base:
        base.write(f"Local.Eicar.Test:0:*:{EICAR[27:].hex()}\n")
    lines = [
        f"DatabaseDirectory {folder}/base",
        f"LocalSocket {folder}/clamd.sock",
        f"TCPSocket {port}",
        "TCPAddr 127.0.0.1",
        "Foreground yes",
        "StreamMaxLength 5M",
        *(["User root"] if os.geteuid() == 0 else []),
    ]
    with open(f"{folder}/clamd.conf", "w") as file:
        file.write("\n".join(lines) + "\n")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([program, "-c", f"{folder}/clamd.conf"], **quiet)
    try:
        wait_until_ready(f"{folder}/clamd.sock", server)
        yield f"unix:{folder}/clamd.sock", f"tcp://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def wait_until_ready(path, server):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as clamd:
            clamd.connect(path)
            clamd.sendall(b"zPING\0")
            if clamd.recv(10) == b"PONG\0":
                return
        time.sleep(0.05)
    raise TimeoutError("clamd does not answer")
