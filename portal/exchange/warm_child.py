"""The child process that stays: it has loaded what opens foreign files, and forks for each file one that does it.

`portal.exchange.children` is its only caller. It is started without environment, with a socket as its standard input; a
message is {"script", "arguments", "seconds"}, with two descriptors: the file, and where to write the answer. It reads
no file itself, so that each fork starts from what no file has touched. It ends, with all its forks, with the other end
of its socket: the process of the portal has then ended, whichever way.
"""

import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib import util
from typing import Any, NoReturn

sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))  # started apart: -I

MOST_BYTES = 1 << 16  # of a message
ENDED_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGXCPU, signal.SIGALRM)


def main() -> None:
    line = socket.socket(fileno=0)
    while line.recv(1, socket.MSG_PEEK):
        if any(map(crashed, ended())):  # the message waits for who comes
            os.execve(sys.executable, sys.orig_argv, {})  # nosec B606
        message, descriptors, _, _ = socket.recv_fds(line, MOST_BYTES, 2)
        asked = json.loads(message)
        opens = main_of(asked["script"])
        gc.freeze()  # forks share what they do not write to
        if not os.fork():
            work(line, asked, opens, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
    os.killpg(0, signal.SIGKILL)


@cache
def main_of(script: str) -> Callable[[], None]:
    """What a script does, once what it imports is loaded."""
    spec: Any = util.spec_from_file_location("script", script)
    module: Any = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


def ended() -> Iterator[int]:
    """How the forks did that ended since the last message."""
    while True:
        try:
            process, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not process:
            return
        yield status


def crashed(status: int) -> bool:
    """A file that makes a fork crash may be feeling for where memory lies, which is the same in each fork.

    Started anew, it lies elsewhere.
    """
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) not in ENDED_FROM_OUTSIDE


def work(line: socket.socket, asked: dict[str, Any], opens: Callable[[], None], file: int, answer: int) -> NoReturn:
    """In the fork: it tells which process it is, keeps two descriptors and no other, and opens the file."""
    try:
        socket.send_fds(line, [b"."], [os.pidfd_open(os.getpid())])
        line.detach()
        os.dup2(file, 0)  # in the place of the socket
        os.dup2(answer, 1)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        signal.setitimer(signal.ITIMER_REAL, asked["seconds"])
        sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
        sys.argv = [asked["script"], *asked["arguments"]]
        opens()
        sys.stdout.flush()
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
