"""Makes the two fonts of what is printed out of those of the pages: `python docs/make_print_fonts.py`.

WeasyPrint unpacks a woff2 for each document, and Pango takes no space from another font than that of the word before:
so one TrueType file a weight, with the letters of Latin and Latin extended and the narrow no-break space (U+202F).
The licence of Source Sans 3 keeps its name for itself: what is made of it is called « Trait Print ».
"""

import tempfile
from pathlib import Path

from fontTools.merge import Merger
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables._g_l_y_f import Glyph
from fontTools.varLib.instancer import instantiateVariableFont

FONTS = Path(__file__).parent.parent / "static" / "fonts"
WEIGHTS = {"Regular": 400, "SemiBold": 600}
NARROW_SPACE = 0x202F
COPYRIGHT, FAMILY, STYLE, UNIQUE, FULL, VERSION, POSTSCRIPT, LICENCE = 0, 1, 2, 3, 4, 5, 6, 13
OPEN_FONT_LICENCE = "SIL Open Font License, Version 1.1. https://openfontlicense.org"


def main():
    with tempfile.TemporaryDirectory() as folder:
        for style, weight in WEIGHTS.items():
            parts = [instance(part, weight, folder) for part in ("latin", "latin-ext")]
            font = Merger().merge(parts)
            add_narrow_space(font)
            rename(font, style)
            font["head"].created = font["head"].modified = TTFont(parts[0])["head"].created
            font.recalcTimestamp = False  # the same letters make the same bytes
            font.save(FONTS / f"print-{style.lower()}.ttf")


def instance(part, weight, folder):
    """One weight of a variable font, in a file."""
    font = TTFont(FONTS / f"source-sans-3-{part}-wght-normal.woff2", recalcTimestamp=False)
    font = instantiateVariableFont(font, {"wght": weight})
    font.flavor = None
    path = Path(folder, f"{part}-{weight}.ttf")
    font.save(path)
    return str(path)


def add_narrow_space(font):
    """As wide as in the pages' own nnbsp.woff2."""
    source = TTFont(FONTS / "nnbsp.woff2")
    width, _ = source["hmtx"][source.getBestCmap()[NARROW_SPACE]]
    name = "uni202F"
    font.setGlyphOrder([*font.getGlyphOrder(), name])
    font["glyf"][name] = Glyph()
    font["hmtx"][name] = (round(width * font["head"].unitsPerEm / source["head"].unitsPerEm), 0)
    for table in font["cmap"].tables:
        if table.isUnicode():
            table.cmap[NARROW_SPACE] = name


def rename(font, style):
    names = font["name"]
    kept = {record.nameID: record.toUnicode() for record in names.names if record.nameID in (COPYRIGHT, VERSION)}
    names.names = []
    texts = {FAMILY: "Trait Print", STYLE: style, FULL: f"Trait Print {style}", POSTSCRIPT: f"TraitPrint-{style}"}
    texts |= {UNIQUE: f"TraitPrint-{style}", LICENCE: OPEN_FONT_LICENCE, **kept}
    for number, text in sorted(texts.items()):
        names.setName(text, number, 3, 1, 0x409)


if __name__ == "__main__":
    main()
