"""The child process that reads the words of a PDF on its standard input; `portal.exchange.texts` is its only caller.

What a strange file makes of this process ends with it: what was read until then has gone out.
"""

import io
import logging
import os
import sys
import warnings

sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from portal.exchange import foreign  # noqa: E402  Python was started apart from the portal: -I


def main() -> None:
    from pypdf import PdfReader  # noqa: PLC0415

    foreign.limit()
    logging.disable()
    warnings.simplefilter("ignore")
    for page in PdfReader(io.BytesIO(sys.stdin.buffer.read())).pages:
        sys.stdout.buffer.write(page.extract_text().encode("utf-8", "replace") + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
