"""The child process that draws the page on its standard input; `portal.printing.pdf_apart` is its only caller.

It writes lines: « pages 12 » as they are laid out, then « pdf 345678 » and so many bytes, or « fault MemoryError ».
What draws is imported by each fork: the child that stays opens foreign files too, and stays small.
"""

import gc
import sys
import tempfile

MEMORY = 2 * 1024 * 1024 * 1024  # beyond what Python takes to start: some 13,000 lines of a statement
CPU_SECONDS = 300  # four times what so many take
MOST_WRITTEN = 16 * 1024 * 1024  # bytes of a file: WeasyPrint lays our fonts into a folder


def main() -> None:
    """Argument: the folder of its files, which the caller takes away."""
    from portal import drawing  # noqa: PLC0415
    from portal.exchange import foreign  # noqa: PLC0415

    foreign.limit(MEMORY, CPU_SECONDS, MOST_WRITTEN)
    tempfile.tempdir = sys.argv[1]
    gc.disable()  # all that is made stays in use: a quarter of the time
    page = sys.stdin.buffer.read().decode()
    try:
        drawn = drawing.draw(page, lambda number: say(f"pages {number}"))
    except Exception as fault:  # its words may be those of the page
        say(f"fault {type(fault).__name__}")
        return
    say(f"pdf {len(drawn)}")
    sys.stdout.buffer.write(drawn)
    sys.stdout.buffer.flush()


def say(line: str) -> None:
    sys.stdout.buffer.write(f"{line}\n".encode())
    sys.stdout.buffer.flush()
