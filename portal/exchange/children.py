"""Opens foreign files in a process of its own, which knows nothing of the portal and ends with what they do to it."""

import subprocess  # nosec B404
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast


@contextmanager
def child(script: Path, file: IO[bytes], arguments: Sequence[str], seconds: float) -> Iterator[IO[bytes]]:
    """What the script says of the file on its standard input; it is killed at the end, or after `seconds`.

    `file` is a file of the system, read from where it is. The child inherits neither environment nor modules.
    """
    command = [sys.executable, "-I", "-B", "-X", "utf8", str(script), *arguments]
    process = subprocess.Popen(  # nosec B603
        command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, close_fds=True
    )
    said = cast(IO[bytes], process.stdout)
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        yield said
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        said.close()
