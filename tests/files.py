"""Small files of every kind that people send: right by default."""

import io

import pikepdf


def pdf(change=None):
    """One blank page; `change` is given the document."""
    made = pikepdf.new()
    made.add_blank_page()
    if change:
        change(made)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()
