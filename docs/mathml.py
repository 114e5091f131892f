"""Formulas as MathML, which browsers render themselves: no script, no fonts, nothing fetched."""

import html
import re
from xml.etree import ElementTree as ET

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

_MATHML = "{http://www.w3.org/1998/Math/MathML}"
ET.register_namespace("", _MATHML.strip("{}"))


def inline(translator, node):
    """Write a formula within a line."""
    translator.body.append(_improved(tex2mathml(node.astext())))
    raise nodes.SkipNode


def block(translator, node):
    """Write a formula on lines of its own."""
    translator.body.append(f'<div class="math">{_improved(tex2mathml(node.astext(), as_block=True))}</div>')
    raise nodes.SkipNode


def setup(app):
    """Offer it to Sphinx as a renderer, and choose it."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True}


def _improved(formula):
    """Put the index of a letter with a hat beside it, not below, and bars close to what they enclose."""
    # XML has no names for spaces.
    root = ET.fromstring(re.sub(r"&(?!lt;|gt;|amp;)\w+;", lambda entity: html.unescape(entity[0]), formula))
    for element in list(root.iter()):
        if element.tag == f"{_MATHML}munderover" and element[2].text == "\N{MODIFIER LETTER CIRCUMFLEX ACCENT}":
            letter, index, hat = list(element)
            for child in (letter, index, hat):
                element.remove(child)
            element.tag = f"{_MATHML}msub"
            accented = ET.SubElement(element, f"{_MATHML}mover", accent="true")
            accented.extend([letter, hat])
            element.append(index)
        if element.tag == f"{_MATHML}mo" and element.text == "|":
            element.attrib |= {"lspace": "0", "rspace": "0"}
    return ET.tostring(root, encoding="unicode")
