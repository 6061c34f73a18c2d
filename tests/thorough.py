"""How often a test does what the more often it is done, the more it shows: seldom each day, often for the scorecard."""

import os

THOROUGH = bool(os.environ.get("THOROUGH"))  # set by `make scorecard`


def often(seldom, often):
    return often if THOROUGH else seldom
