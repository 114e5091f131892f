"""The README's picture of the report: the beginning of a page as one SVG file, in the reader's colours.

python docs/report_picture.py docs/report.svg

The page is that of the demo's classifiers with `N_LABELS` of the labels. SVG takes HTML as it is, where it is XML, too.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd

from cfensemble import CFEnsembleClassifier
from cfensemble.demo import build_demo

N_LABELS = 400
WIDTH, HEIGHT = 1180, 960
XHTML, SVG = "http://www.w3.org/1999/xhtml", "http://www.w3.org/2000/svg"
SHOWN = ".//header", ".//section[@id='quality']"
LEFT_OUT = ".//table", ".//p[@class='note']"
STYLE = """
.page { padding: 20px 30px; background: var(--paper); color: var(--ink); font: 16px/1.55 var(--sans); }
.page h2 { margin-top: 1.2rem; }
"""


def main() -> None:
    """Write the picture to the file that is named."""
    page = make_page()
    style = page[page.index("<style>") + len("<style>") : page.index("</style>")]
    content = page[page.index("<body>") + len("<body>") : page.index("</body>")]
    body = ET.fromstring(f'<body xmlns="{XHTML}">{content}</body>')
    shown = ET.Element(f"{{{XHTML}}}div", {"class": "page", "style": f"width: {WIDTH}px; height: {HEIGHT}px"})
    for name in SHOWN:
        part = body.find(name, {"": XHTML})
        for path in LEFT_OUT:
            parents = {child: parent for parent in part.iter() for child in parent}
            for child in part.findall(path, {"": XHTML}):
                parents[child].remove(child)
        shown.append(part)
    size = f'width="{WIDTH}" height="{HEIGHT}"'
    content = f"<foreignObject {size}>{ET.tostring(shown, encoding='unicode')}</foreignObject>"
    picture = (
        f'<svg xmlns="{SVG}" viewBox="0 0 {WIDTH} {HEIGHT}" {size}>\n<style>{style}{STYLE}</style>\n{content}\n</svg>\n'
    )
    ET.fromstring(picture)
    Path(sys.argv[1]).write_text(picture, encoding="utf-8")


def make_page() -> str:
    """Make the whole report."""
    demo = build_demo()
    P = pd.DataFrame(demo.table.R.T, columns=demo.table.classifiers)
    labelled = np.random.default_rng(0).choice(len(demo.y), N_LABELS, replace=False)
    y = np.full(len(demo.y), -1)
    y[labelled] = demo.y[labelled]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        CFEnsembleClassifier().fit(P, y).report(P, y, path, title="Handwritten eights")
        return path.read_text(encoding="utf-8")


if __name__ == "__main__":
    main()
