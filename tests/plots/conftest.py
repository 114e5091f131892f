import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def tidy():
    """Every test leaves matplotlib's settings and the list of figures as they were."""
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def scored(rng):
    """200 labels and informative probabilities of each, in 5 repeats with some of them missing."""
    y = (rng.random(200) < 0.3).astype(float)
    p = np.clip(0.3 * y + 0.7 * rng.random((5, 200)), 0, 1)
    p[rng.random(p.shape) < 0.1] = np.nan
    return y, p


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.fixture
def legend():
    return legend_texts


# What names of columns may hold: mathematics, markup, what cannot be printed, and no end.
ODD_NAMES = ["$x_1$", "_hidden", "a$b", r"\frac{", "<script>&amp;", "nul\0 and \x1b[1m", "two\nlines", "  ", "x" * 300]


@pytest.fixture
def odd_names():
    return list(ODD_NAMES)
