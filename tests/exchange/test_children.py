"""The processes that open foreign files: what they know, what they may take, and what ends them."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from bench import servers
from portal.exchange import children, foreign
from portal.exchange.children import child, warm

ROOT = Path(__file__).parents[2]
NUMBERS = count()


@pytest.fixture
def script(tmp_path):
    """A script that a child runs, of these lines."""

    def write(lines):
        path = tmp_path / f"{next(NUMBERS)}.py"
        path.write_text(
            "import json, os, sys, time\n\n\ndef main():\n" + textwrap.indent(textwrap.dedent(lines), "    ")
        )
        return path

    return write


@pytest.fixture
def asked(script):
    """All that a child says of a file."""

    def ask(lines, content=b"", seconds=20, arguments=()):
        with file_of(content) as file, child(script(lines), file, arguments, seconds) as said:
            return said.read().decode()

    return ask


@contextlib.contextmanager
def file_of(content):
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        yield file


def lives(process):
    """It is there, and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def forks():
    """The processes that the warm child has forked and that are there, dead ones among them."""
    number = warm.process.pid
    return [int(word) for word in Path(f"/proc/{number}/task/{number}/children").read_text().split()]


def wait_until(condition):
    for _ in range(200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it never came")


WHERE = "print(id(len), [line.split()[0] for line in open('/proc/self/maps') if 'libc.so' in line][0])"


# What a child knows


def test_a_child_reads_the_whole_file_and_moves_no_place_in_it(script):
    lines = script("print(sys.argv[1:], sys.stdin.buffer.read(), sys.stdin.buffer.read())")
    content = b"0123456789" * 2_000
    with file_of(b"") as file:
        file.write(content)  # and it is not on the disk yet
        file.seek(5)
        file.read(3)
        for _ in range(2):
            with child(lines, file, ["a", "é"], 20) as said:
                assert said.read().decode() == f"['a', 'é'] {content} b''\n"
            assert file.tell() == 8
        assert file.read() == content[8:]


def test_it_cannot_write_to_the_file(asked):
    said = asked("try:\n    os.write(0, b'x')\nexcept OSError as error:\n    print(error.strerror)", b"content")
    assert said == "Bad file descriptor\n"


def test_it_has_neither_environment_nor_descriptors_nor_modules_of_the_portal(asked, monkeypatch):
    monkeypatch.setenv("VAULT_KEYS", "secret")
    with tempfile.TemporaryFile() as other:
        os.set_inheritable(other.fileno(), True)
        said = json.loads(
            asked("""
                descriptors = {name: os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")[:-1]}
                known = [name for name in sys.modules if name.startswith("portal")]
                print(json.dumps([dict(os.environ), open("/proc/self/environ").read(), descriptors, known]))
            """)
        )
    environment, given, descriptors, known = said
    assert environment.keys() <= {"LC_CTYPE"} and given == ""
    assert {"0", "1", "2"} <= descriptors.keys() <= {"0", "1", "2", "3"}, "3: the listing itself"
    assert descriptors["2"] == "/dev/null" and descriptors["1"].startswith("pipe:")
    assert not any(place.startswith("socket:") for place in descriptors.values())
    assert set(known) <= {"portal", "portal.exchange", "portal.exchange.foreign"}, "what those that open files share"


def test_nothing_of_a_file_stays_for_the_next_one(asked, script):
    lines = script("sys.seen = getattr(sys, 'seen', []) + [sys.stdin.read()]\nprint(sys.seen)")
    for content in (b"x", b"y"):
        with file_of(content) as file, child(lines, file, [], 20) as said:
            assert said.read().decode() == f"[{content.decode()!r}]\n"


# What it may take


def test_its_memory_and_its_time_are_bounded(asked):
    lines = f"""
        import resource
        sys.path.append({str(ROOT)!r})
        from portal.exchange import foreign
        foreign.limit()
        kinds = (resource.RLIMIT_CPU, resource.RLIMIT_CORE, resource.RLIMIT_FSIZE)
        print([resource.getrlimit(kind) for kind in kinds])
        try:
            bytes({foreign.MEMORY + 8 * 1024 * 1024})
        except MemoryError:
            print("no more")
        sys.stdout.flush()
        while True:
            pass
    """
    began = time.monotonic()
    assert asked(lines, seconds=2) == "[(10, 10), (0, 0), (0, 0)]\nno more\n"
    assert 1.5 < time.monotonic() - began < 8


def test_one_that_sleeps_is_ended(asked):
    began = time.monotonic()
    assert asked("print('here', flush=True)\ntime.sleep(60)", seconds=0.5) == "here\n"
    assert time.monotonic() - began < 5


def test_none_stays_that_nobody_reads(script):
    lines = script("print(os.getpid(), flush=True)\ntime.sleep(60)")
    with file_of(b"") as file, child(lines, file, [], 20) as said:
        process = int(said.readline())
        assert lives(process)
    wait_until(lambda: not lives(process))


def test_even_one_that_is_told_to_stay_ends_by_itself(script):
    """The portal's process cannot end it: it is the child's own clock."""
    lines = script("print(os.getpid(), flush=True)\ntime.sleep(60)")
    with file_of(b"") as file:
        reading, writing = os.pipe()
        asked = {"script": str(lines), "arguments": [], "seconds": 0.5}
        os.close(warm.fork(json.dumps(asked).encode(), [file.fileno(), writing]))
        os.close(writing)
        with open(reading, "rb") as said:
            process = int(said.readline())
        wait_until(lambda: not lives(process))


# One file and another


def test_a_crash_ends_one_file_and_no_other(script, asked):
    slow = script("sys.stdin.read()\nprint('begun', flush=True)\ntime.sleep(1)\nprint('done')")
    with file_of(b"") as file, child(slow, file, [], 20) as said:
        assert said.readline() == b"begun\n"
        for ending in ("os.abort()", "os.kill(os.getpid(), 11)", "os._exit(3)", "raise MemoryError"):
            assert asked(f"print('x', flush=True)\n{ending}") == "x\n"
            assert asked("print('well')") == "well\n"
        assert said.read() == b"done\n"


def test_memory_lies_elsewhere_after_a_crash(asked):
    """What a hostile file learns of it by crashing is of no use to the next one."""
    places, process = {asked(WHERE) for _ in range(3)}, warm.process.pid
    assert len(places) == 1
    asked("os.kill(os.getpid(), 11)")
    assert asked(WHERE) not in places
    assert warm.process.pid == process


def test_many_at_once_each_get_their_own_answer(script):
    lines = script("time.sleep(0.02)\nprint(sys.argv[1], sys.stdin.read())")

    def ask(number):
        with file_of(f"{number}".encode()) as file, child(lines, file, [f"{number}"], 20) as said:
            return said.read().decode() == f"{number} {number}\n"

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(60)))


def test_those_that_ended_are_not_kept(asked):
    for _ in range(4):
        asked("pass")
        wait_until(lambda: not any(map(lives, forks())))
    assert len(forks()) == 1, "the last one, until the next file"


# The warm child: it is replaced, and ends with who started it


def test_it_is_started_again_when_it_died(asked):
    asked("pass")
    process = warm.process.pid
    os.kill(process, signal.SIGKILL)
    assert asked("print('well')") == "well\n"
    assert warm.process.pid != process and not Path(f"/proc/{process}").exists()


def test_it_is_replaced_when_it_does_not_answer(asked):
    asked("pass")
    process = warm.process.pid
    warm.line.settimeout(0.3)
    os.kill(process, signal.SIGSTOP)
    assert asked("print('well')") == "well\n"
    assert warm.process.pid != process and not lives(process)


def test_a_file_is_not_lost_that_is_asked_for_while_it_starts_anew(asked):
    for _ in range(3):
        asked("os.kill(os.getpid(), 11)")
        assert asked("print('well')") == "well\n"


def test_that_it_cannot_be_started_is_told(asked, monkeypatch):
    warm.stop()
    monkeypatch.setattr(children, "COMMAND", [sys.executable, "-c", "pass"])
    with pytest.raises(OSError):
        asked("pass")
    monkeypatch.undo()
    assert asked("print('well')") == "well\n"


LEFT = """
import os, pathlib, signal, sys, tempfile
from portal.exchange.children import child, warm

script = pathlib.Path(sys.argv[1])
with tempfile.TemporaryFile() as file, child(script, file, [], 60) as said:
    print(warm.process.pid, int(said.readline()), flush=True)
    {ending}
"""


@pytest.mark.parametrize("ending", ["os.kill(os.getpid(), signal.SIGKILL)", "os._exit(0)", "raise SystemExit", "pass"])
def test_it_ends_with_its_parent_and_so_do_its_forks(script, ending):
    lines = script("print(os.getpid(), flush=True)\ntime.sleep(60)")
    command = [sys.executable, "-c", LEFT.format(ending=ending), str(lines)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    started = [int(word) for word in said.stdout.split()]
    assert len(started) == 2 and not said.stderr
    wait_until(lambda: not any(map(lives, started)))


def test_a_fork_of_the_portal_starts_its_own(asked, script):
    """As a server that loads the application, then forks."""
    asked("pass")
    mine, lines = warm.process.pid, script("print('well')")
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        with contextlib.suppress(BaseException), file_of(b"") as file, child(lines, file, [], 20) as said:
            os.write(writing, json.dumps([warm.process.pid, said.read().decode()]).encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(process, 0)
    with open(reading) as answer:
        other, said = json.loads(answer.read())
    assert said == "well\n" and other != mine
    wait_until(lambda: not lives(other))
    assert asked("print('well')") == "well\n" and warm.process.pid == mine


def application():
    """For the test below, which serves it: the processes that answer."""

    def answer(environment, start):
        with file_of(b"x") as file, child(Path(os.environ["SCRIPT"]), file, [], 20) as said:
            words = f"{os.getpid()} {warm.process.pid} {said.read().decode()}"
        start("200 OK", [("Content-Type", "text/plain")])
        return [words.encode()]

    return answer


def test_each_process_of_the_server_has_its_own_and_none_stays(script):
    lines = script("time.sleep(0.05)\nprint(sys.stdin.read())")
    with servers.serve("tests.exchange.test_children:application", {"SCRIPT": str(lines)}) as server:

        def ask(_):
            line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            with contextlib.closing(line):
                line.request("GET", "/")
                return line.getresponse().read().decode()

        with ThreadPoolExecutor(6) as threads:
            answers = list(threads.map(ask, range(60)))
    assert all(re.fullmatch(r"\d+ \d+ x\n", answer) for answer in answers)
    pairs = {tuple(map(int, answer.split()[:2])) for answer in answers}
    workers, own = zip(*pairs, strict=True)
    assert len(pairs) == len(set(workers)) == len(set(own)) == 2
    wait_until(lambda: not any(map(lives, own)))
