"""Pictures for a page: their ids do not clash, their colours follow the page's scheme, and they can be read aloud."""

import re
from colorsys import hls_to_rgb, rgb_to_hls
from xml.etree import ElementTree as ET

from markupsafe import Markup

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_COLOUR = re.compile(r"(?<!url\()#([0-9a-fA-F]{6})\b")
_FAMILY = re.compile(r"(font: [^;'\"]*?px )[^;]*")
_GREY = 0.03
"""Difference between the largest and the least part of a colour below which it is a grey."""
_DARK_PAPER, _DARK_INK = (0.086, 0.098, 0.114), (0.93, 0.93, 0.93)

ET.register_namespace("", _SVG)
ET.register_namespace("xlink", _XLINK)


def embed(svg: str, key: str, label: str) -> Markup:
    """Prepare an SVG element for a page.

    Parameters
    ----------
    svg : str
        As `cfensemble.plots.to_svg` returns it.
    key : str
        What its ids begin with, different for each picture of a page; the picture is described by the element with
        the id ``<key>-caption``.
    label : str
        What it shows, for those who do not see it.

    Returns
    -------
    Markup
        Colours are variables ``--c-rrggbb``, which `colour_schemes` defines.
    """
    root = ET.fromstring(svg)  # matplotlib's own output
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"):
                parent.remove(child)
    for element in root.iter():
        for name, value in list(element.attrib.items()):
            if name == "id":
                element.set(name, f"{key}-{value}")
            elif name in (f"{{{_XLINK}}}href", "href") and value.startswith("#"):
                element.set(name, f"#{key}-{value[1:]}")
            else:
                adapted = re.sub(r"url\(#", f"url(#{key}-", value)
                if name in ("style", "fill", "stroke"):
                    adapted = _FAMILY.sub(r"\1var(--sans)", adapted)
                    adapted = _COLOUR.sub(lambda m: f"var(--c-{m[1].lower()})", adapted)
                    if name != "style":  # variables work in styles only
                        del element.attrib[name]
                        name, adapted = "style", f"{element.get('style', '')};{name}: {adapted}".lstrip(";")
                element.set(name, adapted)
    root.set("role", "img")
    root.set("aria-label", label)
    root.set("aria-describedby", f"{key}-caption")
    return Markup(ET.tostring(root, encoding="unicode"))


def colour_schemes(pictures: list[Markup]) -> tuple[dict[str, str], dict[str, str]]:
    """Define the variables of all colours in the pictures, for light and for dark paper."""
    found = sorted(set(re.findall(r"var\(--c-([0-9a-f]{6})\)", "".join(pictures))))
    return {f"--c-{c}": f"#{c}" for c in found}, {f"--c-{c}": on_dark_paper(c) for c in found}


def on_dark_paper(colour: str) -> str:
    """Return the colour rrggbb as it should be on dark paper: as light as it was dark."""
    red, green, blue = rgb = tuple(int(colour[k : k + 2], 16) / 255 for k in (0, 2, 4))
    hue, lightness, saturation = rgb_to_hls(red, green, blue)
    if max(rgb) - min(rgb) < _GREY:  # white is the paper itself
        ends = zip(_DARK_PAPER, _DARK_INK, strict=True)
        return _hex(tuple(paper + (ink - paper) * (1 - lightness) for paper, ink in ends))
    return _hex(hls_to_rgb(hue, 1 - 0.85 * lightness, saturation))


def _hex(rgb: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(255 * c):02x}" for c in rgb)
