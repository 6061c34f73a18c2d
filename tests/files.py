"""Small files of every kind that people send: right by default."""

import io
import os
from pathlib import Path

import pikepdf
from PIL import Image

from tests.exchange.people import xlsx, zipped

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
    content = os.urandom(size)

    def of(length):
        return pdf(lambda made: made.pages[0].__setattr__("Picture", made.make_stream(content[:length])))

    return of(2 * (size - 2_000) + 2_000 - len(of(size - 2_000)))


def image(kind="PNG", size=(40, 30), mode="RGB", **options):
    out = io.BytesIO()
    Image.new(mode, size).save(out, kind, **options)
    return out.getvalue()


def noise(kind="JPEG", size=(60, 40), **options):
    """A picture with something to see in it, which may carry what cameras write."""
    out = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(out, kind, **options)
    return out.getvalue()


def exif():
    """Who took it, with what, where: near Saint-Claude; turned by a quarter."""
    tags = Image.Exif()
    tags[0x010F], tags[0x0112], tags[0x013B] = "Canon EOS", 6, "Philippe Barbaud"
    tags.get_ifd(0x8825).update({1: "N", 2: (46.0, 23.0, 13.0), 3: "E", 4: (5.0, 51.0, 49.0)})
    return tags


WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
ODT = "application/vnd.oasis.opendocument.text"
ODF = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "text", "draw", "script", "manifest", "meta", "table")
)


def relationships(*links):
    """(last word of the type, target, whether it is outside the file)"""
    lines = "".join(
        f'<Relationship Id="r{number}" Type="{LINKS}/{kind}" Target="{target}"{TARGETS[outside]}/>'
        for number, (kind, target, outside) in enumerate(links)
    )
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{lines}</Relationships>'
    )


TARGETS = {True: ' TargetMode="External"', False: ""}


def docx(body="<w:p><w:r><w:t>Bonjour</w:t></w:r></w:p>", links=(), **parts):
    """A letter as Word writes it, by hand. `parts`: other members; their name says where, with « __ » for « / »."""
    types = "http://schemas.openxmlformats.org/package/2006/content-types"
    override = f'<Override PartName="/word/document.xml" ContentType="{MAIN}"/>'
    return zipped(
        {
            "[Content_Types].xml": f'<?xml version="1.0"?><Types xmlns="{types}">{override}</Types>',
            "_rels/.rels": relationships(("officeDocument", "word/document.xml", False)),
            "word/document.xml": f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>',
            "word/_rels/document.xml.rels": relationships(*links),
            **{name.replace("__", "/"): content for name, content in parts.items()},
        }
    )


def odt(body="<text:p>Bonjour</text:p>", manifest="", **parts):
    link = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
    content = f"<office:document-content {ODF} {link}><office:body>{body}</office:body></office:document-content>"
    return zipped(
        {
            "mimetype": ODT,
            "content.xml": content,
            "META-INF/manifest.xml": f"<manifest:manifest {ODF}>{manifest}</manifest:manifest>",
            **{name.replace("__", "/"): content for name, content in parts.items()},
        }
    )


def compound(*names, stream=b""):
    """An OLE file: these entries in its directory, and a stream that begins a sector."""
    entries = (
        name.encode("utf-16-le").ljust(64, b"\0")
        + (b"\0\0\x05" if name == "Root Entry" else b"\0\0\x02").ljust(64, b"\0")
        for name in names
    )
    return OLE.ljust(512, b"\0") + b"".join(entries).ljust(1024, b"\0") + stream.ljust(512, b"\0")


def doc(*names, locked=False):
    """A letter of Word 97: the first bytes of its stream, which are all that is looked at."""
    stream = b"\xec\xa5\xc1\x00" + b"\0" * 6 + (b"\0\x01" if locked else b"\0\0")
    return compound("Root Entry", "WordDocument", *names, stream=stream)


def xls():
    return (Path(__file__).parent / "data" / "prefiliation.xls").read_bytes()


CSV = "Nom;Prénom\r\nBarbaud;Philippe\r\n".encode()


def samples():
    """One right file of each kind of `uploads.KINDS`."""
    return {
        "pdf": pdf(),
        "png": image(),
        "jpeg": noise(),
        "csv": CSV,
        "xlsx": xlsx(["Nom", "Prénom"], ["Barbaud", "Philippe"]),
        "xls": xls(),
        "docx": docx(),
        "doc": doc(),
        "odt": odt(),
    }
