"""What every template keeps to: the htmx vocabulary, the rules of partials, French typography, readable colours."""

import re
from base64 import b64encode
from hashlib import sha384
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from app import escaped
from portal.models import UserRole

ROOT = Path(__file__).parent.parent
PORTAL = ROOT / "portal"
STATIC = ROOT / "static"
TEMPLATES = sorted(PORTAL.rglob("*.html"))
SCREENS = [path for path in TEMPLATES if path.relative_to(PORTAL).parts[0] in ("pages", "partials", "macros")]
WRITTEN = [path for path in TEMPLATES if path.name != "swap.html"] + sorted(PORTAL.glob("emails/*.txt"))
PARTIALS = [path for path in TEMPLATES if path.parent.name == "partials"]

WORDS = {"hx-trigger", "hx-replace-url", "hx-push-url", "hx-sync", "hx-swap-oob"}


def named(paths):
    return pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(PORTAL))) for path in paths])


def source(path):
    """The template without its comments."""
    return re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.S)


@named(SCREENS)
def test_htmx_is_used_through_the_swap_macro_and_a_few_words(path):
    found = set(re.findall(r"\b(?:data-)?hx-[a-z:-]+", source(path)))
    if path.name == "swap.html":
        assert found == {"hx-boost", "hx-target", "hx-swap"}
    else:
        assert found <= WORDS, f"{found - WORDS}: aim the link or the form with swap()"


def test_there_is_one_swap_macro():
    assert len(re.findall(r"{%-? *macro", (PORTAL / "macros/swap.html").read_text())) == 1


@named(SCREENS)
def test_every_region_has_its_own_partial(path):
    text = source(path)
    for region in re.findall(r'\bswap\(\s*"([^"]+)"|\bregion="(\w+)"', text):
        name = "".join(region)
        partial = PORTAL / "partials" / f"{name}.html"
        assert partial.exists(), f"no partial for the region {name}"
        assert f'id="{name}"' in source(partial), f"{partial.name} has no id={name}"


@named(SCREENS)
def test_a_form_that_writes_through_htmx_is_sent_once(path):
    """htmx queues the second click of a double click, and sends it after the first.

    What is saved while one types is sent by no click: what was typed last must go.
    """
    for form in re.findall(r"<form\b(?:[^>{]|\{\{.*?\}\}|\{%.*?%\})*>", source(path), flags=re.S):
        if 'method="post"' in form and "swap(" in form:
            while_typing = bool(re.search('hx-trigger="(change|input) delay:', form))
            assert f'hx-sync="this:{"queue last" if while_typing else "drop"}"' in form, form


@named(SCREENS)
def test_the_content_security_policy_would_block_nothing(path):
    text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", source(path), flags=re.S)
    assert not re.findall(r"<style\b|<script\b(?![^>]*\bsrc=)|\sstyle\s*=|\son[a-z]+\s*=|javascript:", text, flags=re.I)


@named(PARTIALS)
def test_a_partial_begins_with_what_it_needs(path):
    assert path.read_text().startswith("{# Needs: ")


@named(TEMPLATES)
def test_a_template_is_short(path):
    assert len(path.read_text().splitlines()) <= 80


# French typography

STRAIGHT = re.compile(r"\w'\w|\"")
PLAIN_SPACE = re.compile(r"[ \t\n][;!?»](?:\s|$)|«[ \t\n]|[ \t\n]:(?:\s|$)")
SPOKEN = re.compile(r'\b(?:aria-label|aria-description|placeholder|title|alt|data-label)="([^"]*)"')


def visible(path):
    """The French of a template: its text, its spoken attributes, and the sentences that are arguments of macros."""
    text = re.sub(r"<(script|style)\b.*?</\1>", "", source(path), flags=re.S)
    for code in re.findall(r"\{\{.*?\}\}|\{%.*?%\}", text, flags=re.S):
        yield from (
            words for words in re.findall(r'"([^"]*)"', code) if re.search(r"\w{2,} ", words) and "{" not in words
        )
    text = re.sub(r"\{%.*?%\}", "", re.sub(r"\{\{.*?\}\}", "…", text, flags=re.S), flags=re.S)
    yield from SPOKEN.findall(text)
    yield from (words for words in re.split(r"<[^>]*>", text) if words.strip())


@named(WRITTEN)
def test_apostrophes_and_quotes_are_typographic(path):
    assert not [words.strip() for words in visible(path) if STRAIGHT.search(words)]


@named(WRITTEN)
def test_no_line_can_break_before_a_french_sign(path):
    """U+202F before ; ! ? » and after «, U+00A0 before the colon."""
    assert not [words.strip() for words in visible(path) if PLAIN_SPACE.search(words)]


# Files that templates name


def test_every_icon_is_in_the_sprite():
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "img/icons.svg").read_text()))
    for path in TEMPLATES:
        for call in re.findall(r"\b(?:icon|draw)\(([^()]*)\)|\bicon=(\"[a-z0-9-]+\")", source(path)):
            names = re.findall(r'"([a-z][a-z0-9-]*)"', re.sub(r"[=!]= *\"[^\"]*\"", "", "".join(call)))
            assert set(names) <= sprite, f"{path.name}: {set(names) - sprite}"
    for path in PORTAL.rglob("*.py"):
        # icon="…" as an argument, or the first word of an entry of the menu
        entries = r'\bicon="([a-z0-9-]+)"|\(\s*"([a-z0-9-]+)",\s*"[A-ZÀ-Ý][^"]*",\s*"\w+\.\w+"'
        names = {"".join(name) for name in re.findall(entries, path.read_text())}
        assert names <= sprite, f"{path.name}: {names - sprite}"


@named(SCREENS)
def test_every_static_file_exists(path):
    for name in re.findall(r'\basset\("([^"]+)"\)|"/static/([^"?]+)', source(path)):
        assert (STATIC / "".join(name)).is_file(), name


def test_what_the_head_preloads_is_what_the_style_sheet_asks_for():
    """Otherwise it is loaded twice."""
    asked = {f"/static/{url}" for url in re.findall(r'url\("\.\./([^"]+)"\)', (STATIC / "css/app.css").read_text())}
    preloaded = re.findall(r'rel="preload" href="([^"]+)"', (PORTAL / "partials/head.html").read_text())
    assert preloaded and set(preloaded) <= asked


def test_our_own_script_stays_small():
    assert sum(len(path.read_text().splitlines()) for path in (STATIC / "js").glob("*.js")) <= 100


def test_what_others_wrote_is_byte_for_byte_what_was_looked_at():
    """Another version is another line of LICENSES.md, with its hash; nothing is served beside."""
    table = (STATIC / "vendor" / "LICENSES.md").read_text()
    told = dict(re.findall(r"^\| `([^`]+)` \|.*\| `sha384-([^`]+)` \|$", table, re.MULTILINE))
    found = [*(STATIC / "vendor").glob("*.min.*"), *(STATIC / "fonts").glob("*.*")]
    found = [path for path in found if path.suffix not in (".br", ".gz")]  # compressed copies, made of these
    hashes = {str(path.relative_to(STATIC)): b64encode(sha384(path.read_bytes()).digest()).decode() for path in found}
    assert hashes == told
    (version,) = re.findall(r'version="([\d.]+)"', (STATIC / "vendor" / "htmx.min.js").read_text())
    assert f"htmx {version}," in table


# Colours: WCAG contrast, recomputed from the style sheets

TEXT = [
    "ink/surface",
    "ink/page",
    "ink/sunken",
    "ink/brand-50",
    "ink/brand-100",
    "ink/ok-bg",
    "ink/warn-bg",
    "ink/danger-bg",
    "ink/info-bg",
    "ink-2/surface",
    "ink-2/page",
    "ink-2/sunken",
    "ink-2/brand-50",
    "ink-2/brand-100",
    "ink-3/surface",
    "ink-3/page",
    "brand-700/surface",
    "brand-700/page",
    "brand-700/brand-50",
    "brand-700/brand-100",
    "brand-800/surface",
    "brand-800/brand-100",
    "on-brand/brand-700",
    "on-brand/brand-800",
    "on-nav/brand-950",
    "on-nav/brand-900",
    "on-nav-2/brand-950",
    "ok/ok-bg",
    "warn/warn-bg",
    "danger/danger-bg",
    "info/info-bg",
    "danger/surface",
    "danger/page",
    "danger/brand-100",
    "surface/danger-solid",
    "surface/danger",
]
SHAPES = [
    "control/surface",
    "control/page",
    "brand-700/surface",
    "brand-700/page",
    "brand-600/surface",
    "danger-solid/surface",
    "danger-solid/page",
    "ok-solid/surface",
    "warn-solid/surface",
    "info-solid/surface",
    "ok-solid/ok-bg",
    "warn-solid/warn-bg",
    "danger-solid/danger-bg",
    "info-solid/info-bg",
]
MENU = [
    ("#fff", "nav-active"),
    ("#2a1800", "accent"),
    ("on-nav", "#2a2440"),
    ("#c3bdd8", "#2a2440"),
    ("#fff", "#4c4373"),
]


def tokens(sheet):
    """The colours of the first :root block of the layer « tokens »."""
    text = (STATIC / "css" / sheet).read_text()
    block = text[text.index(":root", text.index("@layer tokens {")) :].split("}")[0]
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{3,6})\b", block))


def luminance(colour):
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    red, green, blue = (int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4))
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_colours_can_be_read(appearance):
    colours = tokens("app.css") | (tokens("dark.css") if appearance == "dark" else {})
    pairs = [(*pair.split("/"), 4.5) for pair in TEXT] + [(*pair.split("/"), 3) for pair in SHAPES]
    pairs += [(one, other, 4.5) for one, other in MENU]
    ratios = {
        (one, other): (contrast(colours.get(one, one), colours.get(other, other)), least) for one, other, least in pairs
    }
    assert not {pair: round(ratio, 2) for pair, (ratio, least) in ratios.items() if ratio < least}


class Said(str):
    """A string with an opinion of its own."""

    def __html__(self):
        return "<b>whole</b>"


@given(st.one_of(st.text(), st.text("<>&'\" a"), st.integers(), st.booleans(), st.none(), st.text().map(Markup)))
def test_what_a_template_writes_is_escaped_as_markupsafe_does(value):
    assert str(escaped(value)) == str(escape(value))


def test_what_is_nearly_a_word_is_escaped_too():
    for value in (Said("<i>"), UserRole.COMPANY, 1.5, ["<i>"]):
        assert str(escaped(value)) == str(escape(value))


def test_every_template_escapes_by_it(app):
    html = app.jinja_env.from_string("{{ a }}{{ b }}{{ c }}{{ a ~ b }}").render(a="<a>", b=Markup("<b>"), c=3)
    assert html == "&lt;a&gt;<b>3&lt;a&gt;<b>"
    page = app.jinja_env.get_template("macros/badges.html").module.badge("<script>", "ok")
    assert "&lt;script&gt;" in page and "<script>" not in page
