"""The child process that reads the words of a PDF on its standard input; `portal.exchange.texts` is its only caller.

What a strange file makes of this process ends with it: what was read until then has gone out.
"""

import io
import logging
import sys
import warnings

from pypdf import PdfReader

from portal.exchange import foreign


def main() -> None:
    foreign.limit()
    logging.disable()
    warnings.simplefilter("ignore")
    for page in PdfReader(io.BytesIO(sys.stdin.buffer.read())).pages:
        sys.stdout.buffer.write(page.extract_text().encode("utf-8", "replace") + b"\n")
        sys.stdout.buffer.flush()
