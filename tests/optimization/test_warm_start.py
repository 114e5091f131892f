"""Fitting again when more labels have arrived."""

import numpy as np
import pytest

from cfensemble import EnsembleData, generate_imbalanced_ensemble_data
from cfensemble.optimization.starts import Start

# Enough iterations to settle, for as precise a result.
SETTLING = {
    "als": {"schedule": "two_stage", "aggregator_optimizer": "newton", "tol": 1e-12, "max_iter": 3000},
    "joint": {"tol": 1e-10, "max_iter": 3000},
    "torch": {"lr": 0.05, "min_delta": 1e-5, "max_iter": 5000},
}
TOLERANCE = {"als": 1e-5, "joint": 1e-4, "torch": 0.01}
COMMON = {"lambda_reg": 0.3, "latent_dim": 3, "aggregator_l2": 0.05, "use_class_weights": False}


@pytest.fixture(scope="module")
def sequence():
    """The same predictions with 60 labels, and with 66."""
    R, labels, _, y_true = generate_imbalanced_ensemble_data(
        n_instances=200, n_classifiers=8, n_labeled=60, positive_rate=0.3, random_state=0
    )
    more = labels.copy()
    hidden = np.flatnonzero(np.isnan(labels))[:6]
    more[hidden] = y_true[hidden]
    return EnsembleData(R, labels), EnsembleData(R, more)


@pytest.mark.parametrize("options", [{}, {"link": "logit", "prior": "reliability", "nonnegative": True}])
def test_it_ends_where_a_cold_start_does_in_fewer_iterations(kind, make, options, sequence):
    few, more = sequence
    options = COMMON | SETTLING[kind] | options
    warm = make(warm_start=True, **options).fit(few).fit(more)
    cold = make(**options).fit(more)
    np.testing.assert_allclose(warm.predict(), cold.predict(), atol=TOLERANCE[kind])
    assert warm.converged_
    assert cold.converged_
    assert warm.n_iter_ < 0.8 * cold.n_iter_


@pytest.mark.usefixtures("unsettled")
def test_it_begins_where_the_previous_fit_ended(make, sequence):
    few, _ = sequence
    trainer = make(warm_start=True, max_iter=3).fit(few)
    ended = trainer.history["loss"][-1]
    before = trainer.history
    trainer.lr = 1e-9  # torch's first step may go uphill
    trainer.fit(few)
    assert trainer.history is not before
    assert trainer.history["loss"][0] <= ended * (1 + 1e-6)


@pytest.mark.usefixtures("unsettled")
def test_without_it_nothing_is_taken_over(make, data):
    trainer = make(max_iter=3).fit(data)
    first = trainer.predict()
    np.testing.assert_array_equal(trainer.fit(data).predict(), first)


@pytest.mark.usefixtures("unsettled")
def test_data_of_another_size_are_fitted_from_scratch(make, data):
    smaller = EnsembleData(data.R[:, :100], data.labels[:100])
    other = EnsembleData(data.R[:10], data.labels)
    for changed in (smaller, other):
        trainer = make(max_iter=3, warm_start=True).fit(data).fit(changed)
        np.testing.assert_array_equal(trainer.predict(), make(max_iter=3).fit(changed).predict())


@pytest.mark.usefixtures("unsettled")
def test_what_was_fitted_is_not_changed_by_a_fit_that_fails(make, data):
    trainer = make(max_iter=3, warm_start=True).fit(data)
    X, Y, weights = trainer.X.copy(), trainer.Y.copy(), trainer.get_aggregator_weights()
    trainer.callbacks = (lambda record: 1 / 0,)
    with pytest.raises(ZeroDivisionError):
        trainer.fit(data)
    np.testing.assert_array_equal(trainer.X, X)
    np.testing.assert_array_equal(trainer.Y, Y)
    np.testing.assert_array_equal(trainer.get_aggregator_weights(), weights)


@pytest.mark.filterwarnings("ignore::cfensemble.DataWarning")
@pytest.mark.usefixtures("unsettled")
def test_labels_and_precision_may_change_between_fits(make, data):
    unlabelled = EnsembleData(data.R, np.full(data.n_instances, np.nan))
    single = EnsembleData(data.R.astype(np.float32), data.labels)
    trainer = make(max_iter=3, warm_start=True)
    for given in (unlabelled, data, single, unlabelled, data):
        trainer.fit(given)
        assert trainer.X.dtype == trainer.predict().dtype == given.R.dtype
        assert np.isfinite(trainer.predict()).all()


@pytest.mark.usefixtures("unsettled")
def test_weights_that_have_become_forbidden_are_raised_to_0(make, data):
    trainer = make(max_iter=3, warm_start=True).fit(data)
    trainer.aggregator.set_params(w=np.linspace(-1, 1, data.n_classifiers), b=0.0)
    trainer.nonnegative = True
    assert trainer.fit(data).get_aggregator_weights().min() >= 0


@pytest.mark.usefixtures("unsettled")
def test_attention_is_taken_over(make_kind, data):
    trainer = make_kind("torch", aggregator_type="attention", warm_start=True, max_iter=40).fit(data)
    ended = trainer.history["loss"][-1]
    trainer.lr = 1e-9
    assert trainer.fit(data).history["loss"][0] == pytest.approx(ended)


@pytest.mark.usefixtures("unsettled")
@pytest.mark.parametrize("which", ["als", "joint"])
def test_restarts_but_the_first_are_random(make_kind, which, data, monkeypatch):
    trainer = make_kind(which, warm_start=True, n_restarts=3, max_iter=2).fit(data)
    starts, solve = [], trainer._solve

    def spy(problem, rng, restart, start):
        starts.append(start)
        return solve(problem, rng, restart, start)

    monkeypatch.setattr(trainer, "_solve", spy)
    trainer.fit(data)
    assert isinstance(starts[0], Start)
    assert starts[1:] == [None, None]
