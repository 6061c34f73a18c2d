"""What a log says: where a fault happened, never its words, since they may hold a row; and each event on its line."""

import logging
import traceback
import unicodedata
from pathlib import Path

MOST_FRAMES = 8
UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # what ends a line, colours a terminal, or turns the order of signs


def place_of(fault):
    """« OperationalError: loads.py:12 < tasks.py:90 »: its class, and the way to it, the innermost first."""
    frames = traceback.extract_tb(fault.__traceback__)[::-1][:MOST_FRAMES]
    way = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
    return f"{type(fault).__name__}: {way}"


class OneLine(logging.LogRecord):
    """An event whose words begin no other line, whoever wrote them."""

    def getMessage(self):
        return one_line(super().getMessage())


def one_line(text):
    """The same text, what nobody sees written as Python writes it: « \\n »."""
    if text.isprintable():
        return text
    return "".join(ascii(sign)[1:-1] if unicodedata.category(sign) in UNSEEN else sign for sign in text)
