"""Files of the portal: for now, the folder where they will be kept, and whether it answers."""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit


def answers(url):
    """The store can be written to."""
    folder = Path(unquote(urlsplit(url).path))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)
