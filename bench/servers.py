"""A granian like the portal's (2 workers of 1 thread), what its processes cost, and wrk in front of it."""

import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
TICK = os.sysconf("SC_CLK_TCK")
CONNECTIONS = 16
LONGEST = 30  # seconds of one measure
PATIENCE = 20  # seconds for a server to end by itself
UNITS = {"us": 0.001, "ms": 1, "s": 1_000, "m": 60_000}


@dataclass
class Cost:
    """What an address costs: CPU in ms a request (workers, then database), latencies in ms, requests a second."""

    worker: float
    database: float
    p50: float
    p99: float
    rate: float
    faults: int

    @property
    def cpu(self):
        return self.worker + self.database


class Server:
    def __init__(self, process, port, cluster):
        self.process, self.port, self.cluster = process, port, cluster

    def get(self, path, headers):
        """One answer: status, headers, text."""
        return ask(self.port, "GET", path, headers)

    def cost(self, path, headers, seconds):
        """16 connections that ask for the same address, again and again, for so many seconds.

        Where none was answered, on a machine that does something else, they ask for longer.
        """
        before = self.used()
        said = run_wrk(f"http://127.0.0.1:{self.port}{path}", headers, seconds)
        workers, database = (after - start for after, start in zip(self.used(), before, strict=True))
        done = int(re.search(r"(\d+) requests in", said)[1])
        p50, p99 = (latency(said, percent) for percent in (50, 99))
        faults = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
        if not done and seconds < LONGEST:
            self.get(path, headers)  # comes after those that nobody waits for any more
            return self.cost(path, headers, min(LONGEST, seconds * 4))
        if not done:
            raise SystemExit(f"{path} : aucune réponse en {seconds} s, sur 16 connexions. Rien ne peut en être mesuré.")
        each = 1_000 / done
        return Cost(workers * each, database * each, p50, p99, rate, int(faults[1]) if faults else 0)

    def used(self):
        """Seconds of CPU so far: the server's processes, and the database's when it has some."""
        return cpu_of(self.process.pid), cpu_of(postmaster(self.cluster)) if self.cluster else 0.0


@contextlib.contextmanager
def serve(application, environment, cluster=None):
    """`application`: module:function for granian, started in `environment`."""
    port = free_port()
    options = ["--interface", "wsgi", "--workers", "2", "--blocking-threads", "1", "--no-access-log"]
    command = [f"{sys.prefix}/bin/granian", *options, "--log-level", "warning", "--backpressure", "128"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--factory", application]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, start_new_session=True)
    try:
        wait_until_it_answers(process, port)
        yield Server(process, port, cluster)
    finally:
        stop(process)


def stop(process):
    """What stopped the measure is what is told: a server that does not end by itself is killed with its workers."""
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_it_answers(process, port):
    for _ in range(300):
        with contextlib.suppress(OSError):
            ask(port, "GET", "/bonjour", {})
            return
        if process.poll() is not None:
            raise SystemExit("Le serveur à mesurer ne démarre pas.")
        time.sleep(0.1)
    raise SystemExit("Le serveur à mesurer ne répond pas.")


def ask(port, method, path, headers, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    answer = response.status, response.headers, response.read().decode()
    connection.close()
    return answer


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_wrk(url, headers, seconds):
    program = shutil.which("wrk")
    if not program:
        raise SystemExit("wrk manque : « apt-get install wrk ».")
    command = [program, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s", "--latency"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    return subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout


def latency(said, percent):
    value, unit = re.search(rf"\s{percent}%\s+([\d.]+)(us|ms|s|m)\b", said).groups()
    return float(value) * UNITS[unit]


def cpu_of(pid):
    """Seconds of CPU of a process, of its children, and of those that it waited for; none once it is gone."""
    try:
        own = sum(map(int, Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:15])) / TICK
    except FileNotFoundError:
        return 0.0
    return own + cpu_below(pid)


def cpu_below(pid):
    """The same of its children alone, those that it did not wait for yet."""
    return sum(map(cpu_of, started_by(pid)))


def started_by(pid):
    threads = Path(f"/proc/{pid}/task").glob("*/children")  # each tells those that it started
    return [child for thread in threads for child in read(thread).split()]


def memory_below(pid):
    """The most memory that one of those that it started ever took, in MB."""
    found = [0.0]
    for child in started_by(pid):
        mark = re.search(r"VmHWM:\s+(\d+) kB", read(Path(f"/proc/{child}/status")))
        found += [int(mark[1]) / 1024 if mark else 0, memory_below(child)]
    return max(found)


def read(path):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return path.read_text()
    return ""


def postmaster(cluster):
    return int(Path(cluster.folder, "data", "postmaster.pid").read_text().split()[0])
