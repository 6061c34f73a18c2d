"""The colours of a mutual: any hue, and still read."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.rules import Refused, colours

CSS = Path(__file__).parents[2] / "static" / "css"
SHADES = st.builds("#{:02x}{:02x}{:02x}".format, *[st.integers(0, 255)] * 3)


@pytest.mark.parametrize(("sheet", "known"), [("app.css", colours.LIGHT), ("dark.css", colours.DARK)])
def test_the_tokens_are_those_of_the_style_sheets(sheet, known):
    root = re.search(r":root \{(.*?)\n  \}", (CSS / sheet).read_text(), re.DOTALL)[1]
    said = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", root))
    assert {name: said[name] for name in known} == known


@given(SHADES)
def test_whatever_the_hue_what_could_be_read_still_can(chosen):
    light, dark = colours.tokens(chosen), colours.tokens(chosen, dark=True)
    for white_on in ("brand-950", "brand-900", "brand-800", "brand-700", "brand-600"):
        assert colours.contrast("#ffffff", light[white_on]) >= 4.5
    assert colours.contrast(light["brand-700"], "#f2f5f6") >= 4.5  # a link on the page
    assert colours.contrast(light["on-nav-2"], light["brand-900"]) >= 4.5
    assert colours.contrast(dark["brand-700"], "#15242a") >= 4.5
    assert colours.contrast(dark["on-brand"], dark["brand-700"]) >= 4.5


@given(SHADES)
def test_each_token_is_as_light_as_the_one_it_replaces(chosen):
    for name, token in colours.LIGHT.items():
        assert abs(colours.luminance(colours.tokens(chosen)[name]) - colours.luminance(token)) < 0.02


def test_the_portals_own_colour_changes_nothing_to_speak_of():
    for name, shade in colours.tokens(colours.OURS).items():
        if name in colours.LIGHT:
            assert colours.contrast(shade, colours.LIGHT[name]) < 1.1


@pytest.mark.parametrize("typed", ["#0E5566", "0e5566", " #0e5566 "])
def test_a_colour_is_read_in_several_ways(typed):
    assert colours.colour(typed) == "#0e5566"
    assert colours.colour("#0a5") == "#00aa55"


@pytest.mark.parametrize("typed", ["", "rouge", "#12345", "#12345g", "url(x)"])
def test_what_is_no_colour_is_refused(typed):
    with pytest.raises(Refused, match="hexadécimal"):
        colours.colour(typed)
