"""What is printed: accessible, French, whole in itself, and nothing but what its template says."""

import datetime
import io
import re
import tempfile

import pytest
from pypdf import PdfReader

from portal import drawing, printing
from portal.printing import Letter

NIR = "294063947803145"
MILLIMETRE = 72 / 25.4
WINDOW = (100, 190, 45, 79)  # of a DL envelope, wherever the sheet slides in it: left, right, top, bottom


@pytest.fixture(autouse=True)
def brand(chosen_settings):
    printing.use(chosen_settings)


def letter(**values):
    written = {
        "recipient": ["Mme Zoé BARBAUD", "14 rue du Tomachon", "39200 SAINT-CLAUDE"],
        "subject": "Votre adhésion à la mutuelle",
        "paragraphs": ["Bonjour,", "Il vous reste 1\u202f234,50\u202f€ à lire\u00a0: « tout »."],
        "on": datetime.date(2026, 11, 25),
        "url": "https://portail.example/salarie/un-lien",
        "sender": ["ATELIERS COMBE-NOIRE"],
        "after": ["Cordialement,"],
    }
    return Letter(**written | values)


def read(data):
    return PdfReader(io.BytesIO(data))


def structure(element):
    """The tagged elements under this one, in the order of reading."""
    element = element.get_object()
    if "/S" in element:
        yield element
    kids = element.get("/K", [])
    for kid in kids if isinstance(kids, list) else [kids]:
        if not isinstance(kid, int):
            yield from structure(kid)


def tags(reader):
    return [element["/S"] for element in structure(reader.trailer["/Root"]["/StructTreeRoot"])]


def faults(data):
    """What is missing of a document that everybody can read, and that asks nobody for anything."""
    reader = read(data)
    root = reader.trailer["/Root"]
    metadata = root["/Metadata"].get_data().decode()
    fonts = [
        font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()
    ]
    wanted = {
        "tagged": root["/MarkInfo"]["/Marked"] and "/H1" in tags(reader),
        "PDF/UA-1": re.search(r"pdfuaid:part[>=\"]+1", metadata),
        "French": root["/Lang"] == "fr",
        "its title shown": root["/ViewerPreferences"]["/DisplayDocTitle"] and reader.metadata.title,
        "A4": all([round(side) for side in page.mediabox[2:]] == [595, 842] for page in reader.pages),
        "fonts within": fonts and all("/FontFile2" in font for font in fonts),
        "our fonts alone": {font["/FontFamily"].split()[0] for font in fonts} == {"Print"},
        "nothing attached": "/EmbeddedFiles" not in root.get("/Names", {}) and "/AF" not in root,
        "no script": "/OpenAction" not in root and "/JavaScript" not in root.get("/Names", {}) and "/AA" not in root,
    }
    return [name for name, right in wanted.items() if not right]


def test_a_print_can_be_read_by_everybody():
    data = printing.letters([letter()], "Lettre à une salariée")
    assert faults(data) == []
    text = read(data).pages[0].extract_text()
    assert "Mme Zoé BARBAUD" in text
    assert re.search(r"1\s?234,50\s?€ à lire\s: «\s?tout\s?»", text), text


def test_a_plain_page_of_weasyprint_would_be_found_wanting():
    """The check finds something where there is something to find."""
    from weasyprint import HTML

    data = HTML(string="<!doctype html><title>x</title><h1>x</h1>").write_pdf(pdf_variant="pdf/ua-1")
    assert {"French", "our fonts alone"} <= set(faults(data))


def test_the_narrow_space_is_drawn_as_wide_as_in_the_pages():
    reader = read(printing.letters([letter(paragraphs=["1\u202f234"])], "Lettre"))
    found = []
    for font in reader.pages[0]["/Resources"]["/Font"].values():
        for glyph in re.findall(r"<(\w{4})> <202[Ff]>", font.get_object()["/ToUnicode"].get_data().decode()):
            widths = font.get_object()["/DescendantFonts"][0].get_object()["/W"]
            place = list(widths).index(int(glyph, 16))
            found.append(widths[place + 1])
    assert found == [[166]]


def test_the_drawing_of_a_link_is_told_in_words():
    reader = read(printing.letters([letter()], "Lettre"))
    root = reader.trailer["/Root"]["/StructTreeRoot"]
    [figure] = [element for element in structure(root) if element["/S"] == "/Figure"]
    assert "téléphone" in figure["/Alt"]


def test_the_end_of_an_address_stands_on_one_line_since_a_hyphen_may_be_its_own():
    token = "oHCq5-OiFyW6FetuPSpQKyWKeVai6HAyhfVuwodFDoQ"
    reader = read(printing.letters([letter(url=f"http://portail.mutuelle.example/salarie/{token}")], "Lettre"))
    assert token in reader.pages[0].extract_text()


def test_a_telephone_can_read_the_drawing_of_a_long_link():
    """Squares of half a millimetre or more, once printed at 38 mm."""
    drawn = printing.qr_code("https://portail.mutuelle-haut-jura.example/salarie/" + "Ab3-_" * 9, "mots")
    squares = int(re.search(r'viewBox="0 0 (\d+) ', drawn)[1]) / 4
    assert 38 / squares >= 0.5


def test_each_letter_starts_a_page_and_its_address_stands_in_the_window():
    lines = ["Madame Marie-Bernadette DE LA TOUR D’AUVERGNE", "Résidence du Tomachon", "14 rue du Pré", "39200 LAVANS"]
    data = printing.letters([letter(recipient=lines), letter(), letter()], "Trois lettres")
    reader = read(data)
    assert len(reader.pages) == 3
    found = places(reader.pages[0])
    left, right, top, bottom = WINDOW
    for line in lines:
        [(x, y)] = [place for text, place in found if text.startswith(line[:12])]
        assert left <= x <= right and top <= y <= bottom, (line, x, y)
    others = [place for text, place in found if not any(text.startswith(line[:12]) for line in lines)]
    assert not [(x, y) for x, y in others if left <= x <= right and top <= y <= bottom]


def places(page):
    """(text, (mm from the left, mm from the top)) of each line of a page."""
    found = []

    def note(text, transformation, matrix, font, size):
        if text.strip():
            x = matrix[4] * transformation[0] + transformation[4]
            y = matrix[5] * transformation[3] + transformation[5]
            found.append((text.strip(), (x / MILLIMETRE, 297 - y / MILLIMETRE)))

    page.extract_text(visitor_text=note)
    return found


def test_a_long_name_or_a_long_word_stays_on_the_page():
    data = printing.letters([letter(subject="W" * 200, recipient=["M" * 120])], "Lettre")
    assert len(read(data).pages) == 1
    assert all(x < 210 for _, (x, _) in places(read(data).pages[0]))


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "http://127.0.0.1/logo.png",
        "https://example.com/logo.png",
        "data:image/png;base64,AAAA",
        "https://static.invalid/../app.py",
        "https://static.invalid/%2e%2e/app.py",
        "https://static.invalid/js/menus.js",
        "../portal/models.py",
    ],
)
def test_a_print_asks_for_the_fonts_and_pictures_of_ours_and_nothing_else(url):
    with pytest.raises(drawing.Elsewhere):
        drawing.draw(f'<!doctype html><html lang="fr"><title>x</title><h1>x</h1><img alt="x" src="{url}">')
    with pytest.raises(drawing.Elsewhere):
        drawing.draw(f'<!doctype html><html lang="fr"><title>x</title><h1 style="background: url({url})">x</h1>')


def test_what_people_wrote_is_text():
    hostile = '<img src="file:///etc/passwd"><script>alert(1)</script> {{ brand }}'
    data = printing.letters([letter(paragraphs=[hostile], recipient=[hostile])], hostile)
    assert "<script>" in read(data).pages[0].extract_text()


def test_a_template_that_misses_a_word_says_so():
    with pytest.raises(Exception, match="title"):
        printing.pdf("letters", letters=[])


def test_no_number_of_a_person_is_in_the_metadata():
    data = printing.letters([letter(paragraphs=[NIR])], "Lettre")
    reader = read(data)
    assert NIR in reader.pages[0].extract_text()
    assert NIR not in str(reader.metadata) + reader.trailer["/Root"]["/Metadata"].get_data().decode()


def test_a_print_is_made_the_same_way_from_several_threads():
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda n: printing.letters([letter(subject=f"Objet {n}")], "x"), range(6)))
    for number, data in enumerate(made):
        assert f"Objet {number}" in read(data).pages[0].extract_text()


LONG_PAGE = "<!doctype html><html lang='fr'><title>x</title><h1>x</h1>" + "<p>x</p>" * 150


def test_the_pages_that_are_laid_out_are_told():
    told = []
    pages = read(drawing.draw(LONG_PAGE, told.append)).pages
    assert told == list(range(1, len(pages) + 1)) and len(pages) > 1


# Drawn by a process of its own


@pytest.fixture
def long_page(monkeypatch):
    monkeypatch.setattr(printing, "html", lambda template, **context: LONG_PAGE)


@pytest.fixture
def drawn_by(monkeypatch, tmp_path):
    """Another child in the place of ours, of these lines."""

    def write(*lines):
        script = tmp_path / "child.py"
        script.write_text("\n    ".join(["import os, resource, signal, sys\n\n\ndef main():", *lines]))
        monkeypatch.setattr(printing, "CHILD", script)

    return write


def test_a_long_page_is_the_same_document_when_another_process_draws_it(long_page):
    told = []
    apart, here = read(printing.pdf_apart("x", told.append)), read(drawing.draw(LONG_PAGE))
    assert told == list(range(1, len(here.pages) + 1))
    assert [page.extract_text() for page in apart.pages] == [page.extract_text() for page in here.pages]
    assert apart.trailer["/Root"]["/MarkInfo"]["/Marked"] and apart.trailer["/Root"]["/Lang"] == "fr"


def test_a_drawing_that_is_given_up_leaves_no_file(long_page, monkeypatch, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))

    def stop(page):
        assert list(folder.glob("*/weasyprint-*/*")), "where its fonts are"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        printing.pdf_apart("x", stop)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "lines",
    [
        ["os.kill(os.getpid(), signal.SIGKILL)"],
        ["os.abort()"],
        ["print('pages 1', flush=True)", "os._exit(1)"],
        ["print('pdf 100')", "print('%PDF-1.7')"],
        ["while True: pass"],
    ],
)
def test_a_process_that_ends_too_early_is_told(drawn_by, long_page, monkeypatch, lines):
    drawn_by(*lines)
    monkeypatch.setattr(printing, "SECONDS", 1)
    with pytest.raises(printing.CutShort):
        printing.pdf_apart("x", lambda page: None)


def test_memory_runs_out_in_the_process_that_draws(drawn_by, monkeypatch):
    """Its bounds are its own: a page that is too long ends it, and is told by the name of the fault."""
    monkeypatch.setattr(printing, "html", lambda template, **context: LONG_PAGE)
    drawn_by(
        "from portal import drawing_child",
        "drawing_child.MEMORY = 40 * 1024 * 1024",
        "drawing_child.main()",
    )
    with pytest.raises(printing.CutShort):
        printing.pdf_apart("x", lambda page: None)
