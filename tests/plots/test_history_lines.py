import numpy as np
import pytest

from cfensemble import CFEnsembleTrainer, plots
from cfensemble.ensemble.collapse import MIN_NORM
from cfensemble.optimization.history import History, IterationRecord


def made(weights, loss=2.0):
    """A history with these weights (iterations, m)."""
    history = History()
    for k, w in enumerate(np.asarray(weights, float)):
        w.flags.writeable = False
        history.records.append(IterationRecord(k, loss, loss, 0.0, loss, 0.0, w, float(np.hypot.reduce(w))))
    return history


def test_the_total_and_its_terms_are_drawn_over_iterations_counted_from_one(imbalanced, legend):
    trainer = CFEnsembleTrainer(tol=0.01).fit(imbalanced[0])
    ax = plots.loss_curves(trainer.history)
    for line, column in zip(ax.lines, ["loss", "recon_weighted", "sup_weighted"], strict=True):
        np.testing.assert_array_equal(line.get_ydata(), trainer.history[column])
        np.testing.assert_array_equal(line.get_xdata(), np.arange(1, trainer.n_iter_ + 1))
    assert legend(ax) == ["total", "reconstruction, weighted", "supervised, weighted"]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale(), ax.get_title()) == ("Iteration", "Loss", "log", "")


@pytest.mark.parametrize("draw", [plots.loss_curves, plots.weight_history])
def test_the_frozen_phase_is_shaded(draw, imbalanced, legend):
    trainer = CFEnsembleTrainer(tol=0.01, freeze_aggregator_iters=5).fit(imbalanced[0])
    ax = draw(trainer.history)
    shade = ax.patches[-1]
    assert (shade.get_x(), shade.get_width()) == (0.5, 5)
    assert legend(ax)[-1] == "aggregator frozen"
    assert draw(trainer.history, frozen=3).patches[-1].get_width() == 3
    assert "aggregator frozen" not in legend(draw(trainer.history, frozen=0))


def test_weights_that_never_change_are_not_called_frozen(legend):
    assert "aggregator frozen" not in legend(plots.weight_history(made([[0.5, 0.5]] * 4)))


def test_the_threshold_of_collapse_is_where_all_weights_have_to_lie(legend):
    m = 4
    ax = plots.weight_history(made([[0.25] * m, [0.01] * m]))
    (band,) = ax.patches
    assert (band.get_y(), band.get_height()) == pytest.approx((-MIN_NORM / m, 2 * MIN_NORM / m))
    assert legend(ax)[-1] == "collapsed, if all lie here"


def test_the_legend_reads_in_the_order_in_which_the_lines_end(legend):
    history = made([[0.3, 0.3, 0.3], [0.1, 0.9, -0.4]])
    ax = plots.weight_history(history, names=["a", "$b$", "_c"])
    assert legend(ax)[:3] == ["$b$", "a", "_c"]
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0.3, 0.9])
    assert not any(text.get_parse_math() for text in ax.get_legend().get_texts())


def test_of_many_classifiers_those_with_the_largest_weights_are_named(rng, legend):
    w = rng.standard_normal((3, 1000))
    ax = plots.weight_history(made(w))
    assert len(ax.lines) == 20
    assert "range of 980 others" in legend(ax)
    others = np.sort(np.abs(w[-1]))[:980]
    band = ax.collections[0].get_paths()[0].vertices
    assert np.abs(band[band[:, 0] == 3, 1]).max() == others.max()
    assert f"classifier {np.argmax(np.abs(w[-1]))}" in legend(ax)
    low, high = ax.get_ylim()
    assert low < w.min() < w.max() < high


def test_one_iteration_can_be_drawn_and_a_loss_of_zero_too():
    history = made([[0.5]], loss=0.0)
    for draw in (plots.loss_curves, plots.weight_history):
        draw(history).figure.draw_without_rendering()
    assert plots.loss_curves(history).get_yscale() == "linear"


def test_trainers_draw_themselves(imbalanced):
    trainer = CFEnsembleTrainer(tol=0.01).fit(imbalanced[0])
    ax = trainer.plot_loss_curves()
    assert trainer.plot_weight_history(ax) is ax


@pytest.mark.parametrize("draw", [plots.loss_curves, plots.weight_history])
def test_errors_name_the_argument(draw):
    with pytest.raises(ValueError, match="history has no iteration"):
        draw(History())
    with pytest.raises(TypeError, match="history must be a trainer's History, got dict"):
        draw({})
    with pytest.raises(ValueError, match=r"frozen must be in \[0, 2\], got 3"):
        draw(made([[0.5], [0.4]]), frozen=3)


def test_names_are_those_of_all_classifiers():
    with pytest.raises(ValueError, match="names must hold a name for each of the 1 classifiers"):
        plots.weight_history(made([[0.5]]), names=["a", "b"])
