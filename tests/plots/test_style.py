import doctest
import subprocess
import sys
from importlib import import_module
from pkgutil import iter_modules
from xml.etree import ElementTree as ET

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from cfensemble import plots
from cfensemble.plots.style import COLORS, DASHES, MARKERS, line_style, marker_style

R = np.random.default_rng(0).random((3, 20))
Y = np.arange(20) % 2
NAMES = ["$x_1$", "a < b & c", "_nul\0"]
DRAWN = {
    "precision_recall": lambda **to: plots.precision_recall(Y, dict(zip(NAMES, R, strict=True)), **to),
    "roc": lambda **to: plots.roc(Y, dict(zip(NAMES, R, strict=True)), **to),
    "calibration": lambda **to: plots.calibration(Y, dict(zip(NAMES, R, strict=True)), **to),
    "classifier_weights": lambda **to: plots.classifier_weights([0.3, 0.2, -0.1], NAMES, [0.5, 0.6, 0.7], **to),
    "classifier_map": lambda **to: plots.classifier_map(R[:, :3], NAMES, [0.3, 0.2, -0.1], **to),
    "missing_pattern": lambda **to: plots.missing_pattern(R, NAMES, **to),
    "disagreement": lambda **to: plots.disagreement(R, R[0], **to),
    "learning_curve": lambda **to: plots.learning_curve([5, 9], R[:2], {NAMES[0]: R[:2]}, 7, **to),
}


@pytest.mark.parametrize("name", DRAWN)
def test_pictures_are_drawn_on_the_axes_that_are_given_and_return_them(name):
    figure, ax = plt.subplots()
    assert DRAWN[name](ax=ax) is ax
    assert plt.get_fignums() == [figure.number]
    assert ax.has_data()
    assert ax.get_xlabel()
    assert ax.get_title() == ""


@pytest.mark.parametrize("name", DRAWN)
def test_svg_is_xml_with_its_text_as_text_and_the_same_each_time(name):
    svg = plots.to_svg(DRAWN[name]())
    root = ET.fromstring(svg)
    assert root.tag.endswith("svg")
    assert "viewBox" in root.attrib
    assert "width" not in root.attrib
    texts = {"".join(element.itertext()).strip() for element in root.iter() if element.tag.endswith("text")}
    expected = {"learning_curve": NAMES[0], "disagreement": "Combined probability"}.get(name, "a < b & c")
    assert any(text.startswith(expected) for text in texts)
    assert plots.to_svg(DRAWN[name]()) == svg


def test_letters_that_matplotlibs_fonts_lack_are_left_to_the_readers():
    assert "\u68ee" in plots.to_svg(plots.classifier_weights([1.0], ["\u68ee\u6797"]))


def test_svg_of_axes_in_a_subfigure_is_that_of_the_whole_figure():
    figure = plt.figure(layout="constrained")
    left, right = figure.subfigures(1, 2)
    plots.classifier_weights([0.1], ["left"], ax=left.subplots())
    svg = plots.to_svg(plots.classifier_weights([0.1], ["right"], ax=right.subplots()))
    assert ">left<" in svg
    assert ">right<" in svg
    ax = plt.subplots()[1]
    ax.remove()
    with pytest.raises(ValueError, match="drawn is not part of a figure"):
        plots.to_svg(ax)


def test_axes_have_to_be_axes():
    with pytest.raises(TypeError, match="ax must be matplotlib Axes, got Figure"):
        plots.classifier_weights([0.1], ax=plt.figure())


def test_the_style_holds_only_within_its_context():
    before = mpl.rcParams["svg.fonttype"]
    with plots.style():
        assert mpl.rcParams["svg.fonttype"] == "none"
    assert mpl.rcParams["svg.fonttype"] == before
    with pytest.raises(TypeError):
        plots.STYLE["font.size"] = 3


def test_colours_differ_in_lightness_from_the_paper_and_neighbours_in_dashes_and_markers():
    for color in COLORS:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
        luminance = float(np.dot([0.2126, 0.7152, 0.0722], linear))
        assert 1.05 / (luminance + 0.05) > 2  # contrast to white
    looks = {
        (str(line_style(k)["color"]), str(line_style(k)["linestyle"]), marker_style(k)["marker"]) for k in range(60)
    }
    assert len(looks) == 60
    for k in range(59):
        assert line_style(k)["linestyle"] != line_style(k + 1)["linestyle"]
        assert marker_style(k)["marker"] != marker_style(k + 1)["marker"]
    assert len(set(COLORS)) == 7
    assert len(DASHES) == 5
    assert len(MARKERS) == 9


def test_without_matplotlib_it_can_be_imported_and_says_what_to_install():
    code = """
import sys
sys.modules["matplotlib"] = None
from cfensemble import plots
try:
    plots.classifier_weights([0.1])
except ImportError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "plots need matplotlib: pip install 'cfensemble[cli]'\n"


@pytest.mark.parametrize("module", [module.name for module in iter_modules(plots.__path__)])
def test_examples_print_what_they_say(module):
    failed, _ = doctest.testmod(import_module(f"cfensemble.plots.{module}"))
    assert failed == 0


def test_every_function_has_an_example_and_says_what_it_takes_and_gives():
    for name in plots.__all__:
        value = getattr(plots, name)
        if callable(value):
            for section in ("Examples\n", "Returns\n" if name != "style" else "Yields\n"):
                assert section in value.__doc__, name
