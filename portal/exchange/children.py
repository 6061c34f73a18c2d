"""Opens each foreign file in a process of its own, which knows nothing of the portal and ends with what they do to it.

Starting Python and loading what opens files takes some 0.3 s of CPU, opening most files a hundredth of that: so each
process of the portal starts one child that is warm (`warm_child`), when it first needs it, which forks for each file.
"""

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess  # nosec B404
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

WARM = Path(__file__).with_name("warm_child.py")
SECONDS = 30  # to begin: a warm child that does not answer is replaced
COMMAND = [sys.executable, "-I", "-B", "-X", "utf8", str(WARM)]


@contextlib.contextmanager
def child(script: Path, file: IO[bytes], arguments: Sequence[str], seconds: float) -> Iterator[IO[bytes]]:
    """What the script says of the file on its standard input; it is killed at the end, or after `seconds`.

    `file` is a file of the system, whose place does not move: it may be read meanwhile. The child inherits neither
    environment nor modules of the portal, and no descriptor but these two. OSError: no process can be started.
    """
    message = json.dumps({"script": str(script), "arguments": arguments, "seconds": seconds}).encode()
    reading, writing = os.pipe()
    with open(reading, "rb") as said:
        with open(writing, "wb"), open_again(file) as given:
            process = warm.fork(message, [given.fileno(), writing])
        timer = threading.Timer(seconds, kill, [process])
        timer.start()
        try:
            yield said
        finally:
            timer.cancel()
            timer.join()  # it uses the descriptor
            kill(process)
            await_end(process)
            os.close(process)


def open_again(file: IO[bytes]) -> IO[bytes]:
    """The same file from its beginning, to be read alone, with a place of its own."""
    file.flush()
    return open(f"/proc/self/fd/{file.fileno()}", "rb")


def kill(process: int) -> None:
    """`process`: a descriptor, which unlike a number is never another process's."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(process, signal.SIGKILL)


def await_end(process: int) -> None:
    """So that the warm child knows how it ended before it forks again: one that crashed is told by that alone."""
    ended = select.poll()
    ended.register(process, select.POLLIN)
    ended.poll(1_000)


class Warm:
    """The child that is warm, one for the process: started when it is first needed, and again when it has died."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.lock = threading.Lock()
        self.line: socket.socket | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def fork(self, message: bytes, descriptors: list[int]) -> int:
        """A descriptor of the process that works; raises OSError."""
        with self.lock:
            try:
                return self.ask(message, descriptors)
            except OSError:
                self.stop()
                return self.ask(message, descriptors)

    def ask(self, message: bytes, descriptors: list[int]) -> int:
        line = self.line or self.start()
        socket.send_fds(line, [message], descriptors)
        _, processes, _, _ = socket.recv_fds(line, 1, 1, socket.MSG_CMSG_CLOEXEC)
        if not processes:
            raise ChildProcessError
        return processes[0]

    def start(self) -> socket.socket:
        self.line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.line.settimeout(SECONDS)
        nothing = subprocess.DEVNULL
        with theirs:
            self.process = subprocess.Popen(  # nosec B603
                COMMAND, stdin=theirs.fileno(), stdout=nothing, stderr=nothing, env={}, start_new_session=True
            )
        return self.line

    def stop(self) -> None:
        if self.line:
            self.line.close()
        if self.process:
            self.process.kill()
            self.process.wait()
        self.line = self.process = None

    def leave(self) -> None:
        """In a fork of the portal's process: the child is the other's, who waits for it."""
        if self.line:
            self.line.close()
        if self.process:
            self.process.returncode = 0
        self.forget()


warm = Warm()
atexit.register(warm.stop)
os.register_at_fork(after_in_child=warm.leave)
