import numpy as np
import pytest

from cfensemble import plots

NAN = np.nan


def texts(ax):
    return [text.get_text() for text in ax.texts]


def cells(ax, m, k):
    """Whether each cell (m, k) of the matrix is dark; its rectangles come first."""
    shades = [patch.get_facecolor()[0] for patch in ax.patches[: m * k]]
    return np.array(shades).reshape(m, k) < 0.5


def test_rows_are_classifiers_and_columns_patterns_the_most_frequent_first():
    R = [[0.1, 0.2, NAN, 0.3, NAN, NAN], [0.1, 0.2, 0.3, 0.4, NAN, 0.3], [0.5] * 6]
    ax = plots.missing_pattern(R, ["a", "b", "c"])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]
    np.testing.assert_array_equal(cells(ax, 3, 3), [[0, 1, 1], [0, 0, 1], [0, 0, 0]])
    assert texts(ax) == ["Instances", "3", "2", "1", "Missing", "50 %", "17 %", "0 %"]
    assert ax.get_xlabel() == "All 3 patterns (marked: missing)\nof 6 instances"
    heights = [patch.get_height() for patch in ax.patches[9:12]]
    np.testing.assert_allclose(heights, 3 * np.array([3, 2, 1]) / 3)


def test_the_classifier_that_misses_most_is_on_top():
    ax = plots.missing_pattern([[0.5, 0.5], [NAN, 0.5], [NAN, NAN]], ["a", "b", "c"])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["c", "b", "a"]


def test_of_many_patterns_the_most_frequent_are_shown(rng):
    R = rng.random((10, 500))
    R[rng.random(R.shape) < 0.4] = NAN
    ax = plots.missing_pattern(R)
    columns = np.isnan(R).T
    _, counts = np.unique(columns, axis=0, return_counts=True)
    first = np.sort(counts)[::-1][:20]
    assert texts(ax)[1:21] == [str(count) for count in first]
    assert ax.get_xlabel() == (
        f"The 20 most frequent of {counts.size} patterns (marked: missing)\n"
        f"of {100 * first.sum() / 500:.0f} % of 500 instances"
    )


@pytest.mark.parametrize("R", [[[0.5]], [[NAN]], np.full((3, 40), 0.5), np.full((2, 5), NAN)])
def test_nothing_and_everything_may_be_missing(R):
    ax = plots.missing_pattern(R)
    ax.figure.draw_without_rendering()
    share = 100 * np.isnan(R).mean()
    assert texts(ax)[-1] == f"{share:.0f} %"
    assert ax.get_xlabel().startswith("The one pattern (marked: missing)")


def test_of_a_thousand_classifiers_those_that_miss_most_are_shown(rng):
    R = rng.random((1000, 60))
    R[rng.random(R.shape) < np.linspace(0, 0.9, 1000)[:, None]] = NAN
    ax = plots.missing_pattern(R)
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert len(names) == 31
    assert names[0] == f"classifier {np.argmax(np.isnan(R).mean(axis=1))}"
    assert names[-1] == "… 970 more …"


def test_names_are_shown_as_they_are(odd_names):
    ax = plots.missing_pattern(np.full((9, 3), 0.5), odd_names)
    ax.figure.draw_without_rendering()
    assert [label.get_text() for label in ax.get_yticklabels()][:3] == ["$x_1$", "_hidden", "a$b"]


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match="R must be 2-D"):
        plots.missing_pattern([0.5, 0.5])
    with pytest.raises(ValueError, match=r"R\[0, 1\] is inf"):
        plots.missing_pattern([[0.5, np.inf]])
    with pytest.raises(ValueError, match="names must hold a name for each of the 1"):
        plots.missing_pattern([[0.5, 0.5]], ["a", "b"])
