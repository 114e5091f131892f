"""The page in a browser: quiet, self-contained, as wide as the window, its figures seen and described."""

import pytest
from browser import browse

from cfensemble.report.page import render

FIGURES = """
[...document.querySelectorAll("figure")].map(figure => {
    const svg = figure.querySelector("svg"), box = svg.getBoundingClientRect();
    const marks = [...svg.querySelectorAll("path, text, use, rect")].filter(e => e.getBoundingClientRect().width > 0);
    return {
        id: figure.id, width: box.width, height: box.height, marks: marks.length,
        role: svg.getAttribute("role"), label: svg.getAttribute("aria-label"),
        caption: document.getElementById(svg.getAttribute("aria-describedby")).textContent,
        letters: Math.min(...[...svg.querySelectorAll("text")].map(e => e.getBoundingClientRect().height)),
    };
})
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with browse(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory, analysis, analysis_of_classes, analysis_by_als):
    folder = tmp_path_factory.mktemp("pages")
    analyses = {"two": analysis, "classes": analysis_of_classes, "als": analysis_by_als}
    for name, found in analyses.items():
        (folder / f"{name}.html").write_text(render(found), encoding="utf-8")
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("name", ["two", "classes", "als"])
def test_a_page_can_be_read(browser, pages, name, width, scheme):
    browser.open(pages / f"{name}.html", width, scheme=scheme)
    assert not browser.of("Log.entryAdded")
    assert not browser.of("Runtime.consoleAPICalled")
    assert not browser.of("Runtime.exceptionThrown")
    urls = [request["request"]["url"] for request in browser.of("Network.requestWillBeSent")]
    assert [url for url in urls if not url.startswith("data:")] == [(pages / f"{name}.html").as_uri()]

    assert browser.evaluate("document.documentElement.scrollWidth") == width
    wide = "[...document.body.querySelectorAll('*')].filter(e => !e.closest('svg') && e.scrollWidth > e.clientWidth + 1"
    assert browser.evaluate(f"{wide} && getComputedStyle(e).display !== 'inline').map(e => e.outerHTML)") == []

    figures = browser.evaluate(FIGURES)
    assert len(figures) >= 6
    for figure in figures:
        assert 250 < figure["width"] <= width
        assert figure["height"] > 150
        assert figure["marks"] > 10
        assert figure["letters"] > 6
        assert figure["role"] == "img"
        assert len(figure["label"]) > 10
        assert len(figure["caption"]) > 20


@pytest.mark.parametrize("name", ["two", "classes", "als"])
def test_numbers_are_not_broken_in_narrow_tables(browser, pages, name):
    browser.open(pages / f"{name}.html", 400)
    broken = browser.evaluate("""
        [...document.querySelectorAll(".scores td, .classifiers td")].filter(cell => {
            const range = document.createRange();
            range.selectNodeContents(cell.firstChild);
            return new Set([...range.getClientRects()].map(box => box.top)).size > 1;
        }).map(cell => cell.textContent)
    """)
    assert broken == []


def test_colours_follow_the_scheme(browser, pages):
    colours = {}
    for scheme in ("light", "dark"):
        browser.open(pages / "two.html", 1400, scheme=scheme)
        style = "getComputedStyle(document.querySelector('{}')).{}"
        paper = style.format("body", "backgroundColor")
        letters = style.format("#weights svg text", "fill")
        colours[scheme] = [
            sum(map(int, browser.evaluate(f"{x}.match(/[0-9]+/g).slice(0, 3)"))) for x in (paper, letters)
        ]
    assert colours["light"][0] > 700 > 200 > colours["light"][1]
    assert colours["dark"][0] < 100 < 600 < colours["dark"][1]


def test_no_black_shape_is_left_on_dark_paper(browser, pages):
    browser.open(pages / "two.html", 1400, scheme="dark")
    shapes = "[...document.querySelectorAll('figure path, figure rect, figure use')]"
    assert browser.evaluate(f"{shapes}.filter(e => getComputedStyle(e).fill === 'rgb(0, 0, 0)').length") == 0
