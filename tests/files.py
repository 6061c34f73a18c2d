"""Small files of every kind that people send: right by default."""

import io
import os

import pikepdf
from PIL import Image

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def pdf(change=None, pages=1):
    """Blank pages; `change` is given the document."""
    made = pikepdf.new()
    for _ in range(pages):
        made.add_blank_page()
    if change:
        change(made)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def heavy_pdf(size):
    """A PDF of so many bytes, most of them of a picture that does not compress."""
    made = pdf(lambda found: found.make_stream(os.urandom(size - 2_000)))
    return made + b"\n" * (size - len(made))


def image(kind="PNG", size=(40, 30), mode="RGB", **options):
    out = io.BytesIO()
    Image.new(mode, size).save(out, kind, **options)
    return out.getvalue()
