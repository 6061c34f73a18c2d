"""The words of a PDF, read by a process of its own."""

from pathlib import Path
from typing import IO

from portal.exchange.children import child

CHILD = Path(__file__).with_name("text_child.py")
SECONDS = 30  # on the wall clock; the child has ten of processor time
MOST_BYTES = 2_000_000


def words_of(file: IO[bytes]) -> str:
    """What is written in a PDF, as far as it can be read in a few seconds; "" when nothing can. `file`: on the disk."""
    file.seek(0)
    with child(CHILD, file, [], SECONDS) as said:
        return said.read(MOST_BYTES).decode("utf-8", "replace")
