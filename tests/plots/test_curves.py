import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from cfensemble import plots

NAN = np.nan


def test_precision_at_a_recall_is_that_of_the_highest_threshold_that_reaches_it():
    ax = plots.precision_recall([1, 0, 1, 0, 1], {"a": [0.9, 0.8, 0.7, 0.6, 0.5]})
    line = ax.lines[1]
    np.testing.assert_allclose(line.get_xdata(), [0, 1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(line.get_ydata(), [1, 1, 2 / 3, 3 / 5])
    assert line.get_drawstyle() == "steps-pre"


@pytest.mark.parametrize("n", [50, 5000])
def test_the_area_below_the_drawn_curve_is_the_average_precision(rng, legend, n):
    y = (rng.random(n) < 0.3).astype(float)
    p = np.clip(y * 0.2 + rng.random(n), 0, 1).round(2)  # with ties
    ax = plots.precision_recall(y, {"a": p})
    recall, precision = ax.lines[1].get_data()
    expected = average_precision_score(y, p)
    assert np.diff(recall) @ precision[1:] == pytest.approx(expected, abs=1e-9 if n < 500 else 5e-3)
    assert legend(ax) == [f"a  {expected:.3f}", f"positive rate  {y.mean():.3f}"]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), y.mean())


def test_repeats_are_drawn_as_their_mean_with_the_range_of_most(scored, legend):
    y, p = scored
    ax = plots.precision_recall(y, {"a": p})
    x, mean = ax.lines[1].get_data()
    at = []
    for row in p:
        seen = ~np.isnan(row)
        each = plots.precision_recall(y[seen], {"a": row[seen]}).lines[1]
        at.append(each.get_ydata()[np.searchsorted(each.get_xdata(), x - 1e-9)])
    np.testing.assert_allclose(mean[1:], np.mean(at, axis=0)[1:])
    (band,) = ax.collections
    low, high = np.percentile(at, [2.5, 97.5], axis=0)
    drawn = band.get_paths()[0].vertices[:, 1]
    assert drawn.min() == pytest.approx(low.min())
    assert drawn.max() == pytest.approx(high.max())
    areas = [average_precision_score(y[~np.isnan(row)], row[~np.isnan(row)]) for row in p]
    assert legend(ax)[0] == f"a  {np.mean(areas):.3f}"


def test_roc_is_the_textbook_one(scored, legend):
    y, p = scored
    p = np.nan_to_num(p[0], nan=0.5)
    ax = plots.roc(y, {"a": p})
    np.testing.assert_allclose(ax.lines[0].get_data(), roc_curve(y, p)[:2])
    assert legend(ax) == [f"a  {roc_auc_score(y, p):.3f}", "guessing  0.500"]
    np.testing.assert_array_equal(ax.lines[1].get_data(), [[0, 1], [0, 1]])


def test_roc_of_repeats_is_interpolated_on_common_rates(scored, legend):
    y, p = scored
    ax = plots.roc(y, {"a": p})
    x, mean = ax.lines[0].get_data()
    curves = [roc_curve(y[~np.isnan(row)], row[~np.isnan(row)])[:2] for row in p]
    np.testing.assert_allclose(mean[1:], np.mean([np.interp(x, *curve) for curve in curves], axis=0)[1:])
    assert mean[0] == 0
    areas = [roc_auc_score(y[~np.isnan(row)], row[~np.isnan(row)]) for row in p]
    assert legend(ax)[0] == f"a  {np.mean(areas):.3f}"
    assert len(ax.collections) == 1


@pytest.mark.parametrize("draw", [plots.precision_recall, plots.roc])
def test_curves_of_constant_predictions_are_those_of_guessing(draw, legend):
    ax = draw([1, 0, 0, 0], {"constant": [0.4] * 4})
    area = 0.25 if draw is plots.precision_recall else 0.5
    assert legend(ax)[0] == f"constant  {area:.3f}"
    assert ax.get_title() == ""


@pytest.mark.parametrize("draw", [plots.precision_recall, plots.roc, plots.calibration])
def test_unlabelled_instances_are_left_out_and_repeats_without_predictions_too(draw, scored, legend):
    y, p = scored
    unlabelled = np.concatenate([y, [NAN, NAN]])
    padded = np.concatenate([p, np.full((1, 200), NAN)])
    padded = np.concatenate([padded, np.zeros((6, 2))], axis=1)
    with_them, without = draw(unlabelled, {"a": padded}), draw(y, {"a": p})
    assert legend(with_them) == legend(without)
    for drawn, expected in zip(with_them.lines, without.lines, strict=True):
        np.testing.assert_allclose(np.array(drawn.get_data(), float), np.array(expected.get_data(), float))


@pytest.mark.parametrize("draw", [plots.precision_recall, plots.roc, plots.calibration])
def test_one_of_several_classes_is_drawn_against_the_rest(draw, rng):
    kinds = np.array(["cat", "dog", "hen"])[rng.integers(0, 3, 60)]
    P = rng.dirichlet(np.ones(3), 60)
    ax = draw(kinds == "cat", {"a": P[:, 0]})
    expected = draw((kinds == "cat").astype(int).tolist(), {"a": P[:, 0].tolist()})
    np.testing.assert_array_equal(ax.lines[0].get_data(), expected.lines[0].get_data())


@pytest.mark.parametrize("draw", [plots.precision_recall, plots.roc, plots.calibration])
def test_lines_differ_in_colour_dashes_and_marker_and_are_all_named(draw, scored, odd_names, legend):
    y, p = scored
    ax = draw(y, dict.fromkeys(odd_names, p[0]))
    named = [line for line in ax.lines if line.get_linestyle() != "None" and line.get_linewidth() >= 1.5]
    assert len(named) == len(odd_names)
    looks = {(line.get_color(), str(line._unscaled_dash_pattern), line.get_marker()) for line in named}
    assert len(looks) == len(odd_names)
    for name in ["$x_1$", "_hidden", "a$b", r"\frac{", "<script>&amp;", "nul\ufffd and \ufffd[1m", "two lines"]:
        assert any(text.startswith(name) for text in legend(ax))
    assert not any(text.get_parse_math() for text in ax.get_legend().get_texts())


@pytest.mark.parametrize("draw", [plots.precision_recall, plots.roc, plots.calibration])
@pytest.mark.parametrize(
    ("y", "predictions", "message"),
    [
        ([1, 1, 1], {"a": [0.1, 0.2, 0.3]}, r"y must hold both 0 and 1, found \[1.0\]"),
        ([1, 0, 2], {"a": [0.1, 0.2, 0.3]}, r"y\[2\] is 2.0"),
        ([[1, 0]], {"a": [0.1, 0.2]}, r"y must be 1-D"),
        ([1, 0], {}, "predictions must map"),
        ([1, 0], [0.1, 0.2], "predictions must map"),
        ([1, 0], {"a": [0.1, 0.2, 0.3]}, r"predictions\['a'\] must have shape \(2,\) or \(repeats, 2\)"),
        ([1, 0], {"a": [0.1, 1.2]}, r"predictions\['a'\]\[0, 1\] is 1.2"),
        ([1, 0, 0], {"a": [NAN, NAN, NAN]}, r"predictions\['a'\]"),
    ],
)
def test_errors_name_the_argument(draw, y, predictions, message):
    with pytest.raises(ValueError, match=message):
        draw(y, predictions)


def test_a_method_that_never_predicts_one_class_has_no_curve():
    with pytest.raises(ValueError, match=r"predictions\['a'\]: where it predicts, .* one class only"):
        plots.roc([1, 0, 0], {"a": [NAN, 0.2, 0.3]})
