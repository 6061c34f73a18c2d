"""Where a fault happened: the words of an exception may hold a row, and go to no log."""

import traceback
from pathlib import Path

MOST_FRAMES = 8


def place_of(fault):
    """« OperationalError: loads.py:12 < tasks.py:90 »: its class, and the way to it, the innermost first."""
    frames = traceback.extract_tb(fault.__traceback__)[::-1][:MOST_FRAMES]
    way = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
    return f"{type(fault).__name__}: {way}"
