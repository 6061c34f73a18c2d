"""The colours of a mutual: its hue in the tokens of the portal, each as light as the token that it replaces.

WCAG's contrast depends on luminance alone: whatever the hue, what could be read can still be read.
"""

import colorsys
import re

from portal.rules import Refused

HEX = re.compile(r"#[0-9a-f]{6}")
OURS = "#0e5566"  # the portal's own colour, --brand-700 of the light tokens

# static/css/app.css and dark.css: the tokens that a mutual's colour replaces.
LIGHT = {
    "brand-950": "#0b2a33",
    "brand-900": "#123b47",
    "brand-800": "#0a4250",
    "brand-700": OURS,
    "brand-600": "#1a6f84",
    "brand-200": "#b5d8e0",
    "brand-100": "#dcedf1",
    "brand-50": "#eef6f8",
    "nav-active": "#1a5363",
    "on-nav": "#dfe9ed",
    "on-nav-2": "#a9c3cc",
}
DARK = {
    "brand-950": "#071c23",
    "brand-900": "#12343e",
    "brand-800": "#b2e0ea",
    "brand-700": "#7cc7d8",
    "brand-600": "#6bb4c5",
    "brand-200": "#2b5e6b",
    "brand-100": "#1a424e",
    "brand-50": "#16333c",
    "on-brand": "#06222a",
}
TRIPLETS = {"link-rgb": "brand-700", "link-hover-rgb": "brand-800"}  # Bootstrap wants them as numbers


def colour(text: str) -> str:
    """« #0E5566 », « 0e5566 » or « #0a5 » as `#rrggbb`; Refused otherwise."""
    word = text.strip().lower().removeprefix("#")
    word = f"#{''.join(sign * 2 for sign in word) if len(word) == 3 else word}"
    if not HEX.fullmatch(word):
        raise Refused("Écrivez une couleur en hexadécimal, ainsi : #0e5566.")
    return word


def channels(shade: str) -> tuple[float, float, float]:
    """Red, green and blue, from 0 to 1."""
    red, green, blue = (int(shade[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def written(red: float, green: float, blue: float) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in (red, green, blue))


def luminance(shade: str) -> float:
    """Relative luminance of WCAG 2.2, from 0 (black) to 1 (white)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels(shade)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2.2, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def tinted(token: str, chosen: str) -> str:
    """The token in the hue that was chosen, as light as it is."""
    hue, _, vivid = colorsys.rgb_to_hls(*channels(chosen))
    _, _, own = colorsys.rgb_to_hls(*channels(token))
    _, _, usual = colorsys.rgb_to_hls(*channels(OURS))
    saturation = min(1.0, own * vivid / usual)
    wanted, low, high = luminance(token), 0.0, 1.0
    for _ in range(24):
        middle = (low + high) / 2
        if luminance(written(*colorsys.hls_to_rgb(hue, middle, saturation))) < wanted:
            low = middle
        else:
            high = middle
    return written(*colorsys.hls_to_rgb(hue, high, saturation))


def tokens(chosen: str, dark: bool = False) -> dict[str, str]:
    """Name of each custom property → its value, for a colour `#rrggbb`."""
    shades = {name: tinted(token, chosen) for name, token in (DARK if dark else LIGHT).items()}
    return shades | {name: numbers(shades[token]) for name, token in TRIPLETS.items()}


def numbers(shade: str) -> str:
    """« 14, 85, 102 »"""
    return ", ".join(str(round(part * 255)) for part in channels(shade))


def style_sheet(chosen: str, dark: bool = False) -> str:
    """The rules that a page loads after those of the portal."""
    said = " ".join(f"--{name}: {value};" for name, value in tokens(chosen, dark).items())
    return f"@layer tokens {{ :root {{ {said} }} }}\n"
