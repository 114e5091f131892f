"""Confidence strategies against their formulas, written out."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfensemble.data import (
    AdaptiveConfidence,
    CalibrationConfidence,
    CertaintyConfidence,
    ConfidenceRule,
    ConfidenceStrategy,
    LabelAwareConfidence,
    NoiseAdaptiveConfidence,
    UniformConfidence,
    fit_factor_model,
    get_confidence_strategy,
)
from cfensemble.data.confidence import modulate_by_labels

NAN = np.nan
NAMES = {
    "uniform": UniformConfidence,
    "certainty": CertaintyConfidence,
    "label_aware": LabelAwareConfidence,
    "calibration": CalibrationConfidence,
    "adaptive": AdaptiveConfidence,
    "noise_adaptive": NoiseAdaptiveConfidence,
}

# The first instance is a positive, the second a negative, the others are unlabelled.
LABELS = np.array([1, 0, NAN, NAN])
UNLABELLED = np.full(4, NAN)
R = np.array(
    [
        [0.9, 0.2, NAN, 0.6],
        [0.7, 0.4, 0.1, NAN],
        [NAN, 0.5, 0.3, 1.0],
    ]
)
OBSERVED = ~np.isnan(R)
CERTAINTY = np.array(
    [
        [0.4, 0.3, 0.0, 0.1],
        [0.2, 0.1, 0.4, 0.0],
        [0.0, 0.0, 0.2, 0.5],
    ]
)
CALIBRATION = np.array([[1 - (0.01 + 0.04) / 2], [1 - (0.09 + 0.16) / 2], [1 - 0.25]])
SPREAD = np.array([0.1, np.std([0.2, 0.4, 0.5]), 0.1, 0.2])
AGREEMENT = 1 - SPREAD / 0.2


def modulated(base, alpha):
    """`base` where unlabelled, times 1 + alpha r for a positive and 1 + alpha (1 - r) for a negative."""
    C = base.copy()
    C[:, 0] *= [1 + alpha * 0.9, 1 + alpha * 0.7, 1]
    C[:, 1] *= [1 + alpha * 0.8, 1 + alpha * 0.6, 1 + alpha * 0.5]
    return C


CASES = {
    "uniform": (UniformConfidence(), OBSERVED),
    "certainty": (CertaintyConfidence(), CERTAINTY),
    "calibration": (CalibrationConfidence(), CALIBRATION * OBSERVED),
    "calibration with a high floor": (CalibrationConfidence(0.9), np.maximum(CALIBRATION, 0.9) * OBSERVED),
    "adaptive": (
        AdaptiveConfidence(),
        (0.5 * CERTAINTY + 0.3 * CALIBRATION + 0.2 * AGREEMENT) * OBSERVED,
    ),
    "adaptive, agreement alone": (AdaptiveConfidence(0, 0, 1), AGREEMENT * OBSERVED),
    "adaptive, own weights": (
        AdaptiveConfidence(alpha=2, beta=0, gamma=3),
        (2 * CERTAINTY + 3 * AGREEMENT) * OBSERVED,
    ),
    "label-aware": (LabelAwareConfidence(), modulated(CERTAINTY, 1)),
    "label-aware, strong": (LabelAwareConfidence(2.5), modulated(CERTAINTY, 2.5)),
    "label-aware, off": (LabelAwareConfidence(0), CERTAINTY),
    "label-aware, other base": (
        LabelAwareConfidence(1, CalibrationConfidence()),
        modulated(CALIBRATION * OBSERVED, 1),
    ),
}
BY_NOISE = [
    NoiseAdaptiveConfidence(),
    NoiseAdaptiveConfidence(2, 0.1),
    LabelAwareConfidence(1, NoiseAdaptiveConfidence()),
]
STRATEGIES = pytest.mark.parametrize("strategy", [*(case[0] for case in CASES.values()), *BY_NOISE], ids=repr)


def locked(array):
    array = array.copy()
    array.flags.writeable = False
    return array


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("strategy", "expected"), CASES.values(), ids=CASES)
def test_weights_follow_the_formula_in_the_precision_of_the_predictions(strategy, expected, dtype):
    C = strategy.compute(locked(R.astype(dtype)), locked(LABELS))
    assert C.dtype == dtype
    np.testing.assert_allclose(C, expected, rtol=1e-6 if dtype == np.float32 else 1e-13, atol=1e-7)
    assert np.all(C[~OBSERVED] == 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@STRATEGIES
def test_the_strategies_are_rules_that_say_what_they_compute(strategy, dtype):
    predictions = R.astype(dtype)
    for labels in (LABELS, UNLABELLED):
        rule = strategy.rule(predictions, labels)
        np.testing.assert_array_equal(rule.weights(predictions), strategy.compute(predictions, labels))
        assert isinstance(strategy.weigh(predictions, labels), ConfidenceRule)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (CalibrationConfidence(), OBSERVED),
        (AdaptiveConfidence(), (0.5 * CERTAINTY + 0.3 + 0.2 * AGREEMENT) * OBSERVED),
        (LabelAwareConfidence(), CERTAINTY),
    ],
    ids=repr,
)
def test_without_labels_calibration_is_1_and_nothing_is_modulated(strategy, expected):
    np.testing.assert_allclose(strategy.compute(R, UNLABELLED), expected)


def test_a_classifier_without_labelled_predictions_gets_the_mean_of_the_others():
    labels = np.array([1, NAN, NAN, NAN])
    C = CalibrationConfidence().compute(R, labels)
    np.testing.assert_allclose(C[:, 3], [1 - 0.01, 0, (1 - 0.01 + 1 - 0.09) / 2])


def test_a_classifier_that_is_always_wrong_keeps_the_floor():
    always_wrong = np.array([[0.0, 1.0], [1.0, 0.0]])
    labels = np.array([1.0, 0.0])
    np.testing.assert_allclose(CalibrationConfidence().compute(always_wrong, labels), [[0.1, 0.1], [1, 1]])
    np.testing.assert_allclose(CalibrationConfidence(0).compute(always_wrong, labels), [[0, 0], [1, 1]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_by_noise_are_the_inverse_noise_of_the_factor_model(dtype):
    predictions = locked(R.astype(dtype))
    expected = 1 / fit_factor_model(predictions, 2, floor=0.1).noise[:, None]
    expected /= expected.mean()
    C = NoiseAdaptiveConfidence(2, 0.1).compute(predictions, locked(LABELS))
    assert C.dtype == dtype
    np.testing.assert_allclose(C, expected * OBSERVED, rtol=1e-6)
    modulated_C = LabelAwareConfidence(1, NoiseAdaptiveConfidence(2, 0.1)).compute(predictions, LABELS)
    np.testing.assert_allclose(modulated_C, modulated(expected * OBSERVED, 1), rtol=1e-6)


def test_the_noisier_a_classifier_the_less_it_counts_and_the_mean_is_that_of_uniform_weights():
    rng = np.random.default_rng(0)
    noise = np.array([0.02, 0.1, 0.05, 0.2])
    truth = 0.2 + 0.6 * (rng.random(5000) < 0.5)
    predictions = truth + noise[:, None] * rng.standard_normal((4, 5000))
    predictions[rng.random(predictions.shape) < 0.2] = NAN
    rule = NoiseAdaptiveConfidence().rule(predictions, np.full(5000, NAN))
    np.testing.assert_allclose(rule.per_classifier, noise**-2 / np.mean(noise**-2), rtol=0.3)
    assert rule.per_classifier.mean() == pytest.approx(1)
    one_that_agrees_with_nobody = np.vstack([predictions, 0.5 + 0.3 * rng.standard_normal(5000)])
    more = NoiseAdaptiveConfidence().rule(one_that_agrees_with_nobody, np.full(5000, NAN)).per_classifier
    assert more.argmin() == 4


def test_noise_is_looked_for_without_labels():
    rules = [NoiseAdaptiveConfidence().rule(R, labels) for labels in (LABELS, UNLABELLED, 1 - LABELS)]
    for rule in rules[1:]:
        np.testing.assert_array_equal(rule.per_classifier, rules[0].per_classifier)


def test_a_high_floor_makes_noise_alike_in_units_of_the_variance():
    rng = np.random.default_rng(0)
    predictions = np.array([[0.1], [0.2], [0.4]]) * rng.random(500)  # they agree perfectly
    C = NoiseAdaptiveConfidence(floor=1).compute(predictions, np.full(500, NAN))
    np.testing.assert_allclose(C[:, 0] / C[0, 0], [1, 1 / 4, 1 / 16], rtol=1e-9)


@pytest.mark.parametrize(
    ("constant", "expected"), [([0.5, 0.5, 0.5, 0.5], 1), ([NAN, NAN, NAN, NAN], 0)], ids=["constant", "missing"]
)
def test_a_classifier_without_noise_to_go_by_gets_the_mean_of_the_others(constant, expected):
    weights = NoiseAdaptiveConfidence().rule(np.vstack([R, constant]), LABELS).per_classifier
    assert weights[3] == pytest.approx(weights[:3].mean()) == 1
    C = NoiseAdaptiveConfidence().compute(np.array([constant, constant]), LABELS)
    np.testing.assert_array_equal(C, np.full((2, 4), expected))


@pytest.mark.parametrize("alike", [np.array([[0.3, 0.8]]), np.array([[0.3, 0.8], [0.3, NAN]])])
def test_agreement_is_complete_where_no_classifier_disagrees_anywhere(alike):
    C = AdaptiveConfidence(0, 0, 1).compute(alike, np.array([NAN, NAN]))
    np.testing.assert_array_equal(C, ~np.isnan(alike))


@STRATEGIES
@given(seed=st.integers(0, 10**6), missing=st.sampled_from([0, 0.3, 0.9, 1]), labelled=st.sampled_from([0, 0.2, 1]))
def test_weights_are_finite_not_negative_and_0_exactly_where_nothing_was_predicted(strategy, seed, missing, labelled):
    rng = np.random.default_rng(seed)
    m, n = rng.integers(1, 8, 2)
    predictions = np.where(rng.random((m, n)) < missing, NAN, rng.random((m, n)))
    labels = np.where(rng.random(n) < labelled, rng.integers(0, 2, n), NAN)
    C = strategy.compute(predictions, labels)
    assert C.shape == (m, n)
    assert np.isfinite(C).all()
    assert (C >= 0).all()
    assert not C[np.isnan(predictions)].any()


# ------------------------------------------------------------------------------------------- folding in

R_NEW = np.array([[0.0, 0.6], [1.0, NAN], [0.5, 0.7]])
NEW_CERTAINTY = np.array([[0.5, 0.1], [0.5, 0.0], [0.0, 0.2]])
NEW_OBSERVED = ~np.isnan(R_NEW)
NEW_AGREEMENT = 1 - np.minimum(np.array([np.std([0, 1, 0.5]), 0.05]) / 0.2, 1)  # 0.2: training's largest spread
FOLD_IN_CASES = {
    "uniform": (UniformConfidence(), NEW_OBSERVED),
    "certainty": (CertaintyConfidence(), NEW_CERTAINTY),
    "calibration": (CalibrationConfidence(), CALIBRATION * NEW_OBSERVED),
    "adaptive": (
        AdaptiveConfidence(),
        (0.5 * NEW_CERTAINTY + 0.3 * CALIBRATION + 0.2 * NEW_AGREEMENT) * NEW_OBSERVED,
    ),
    "label-aware": (LabelAwareConfidence(), NEW_CERTAINTY),
    "label-aware, other base": (LabelAwareConfidence(1, CalibrationConfidence()), CALIBRATION * NEW_OBSERVED),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("strategy", "expected"), FOLD_IN_CASES.values(), ids=FOLD_IN_CASES)
def test_new_instances_are_weighed_by_what_training_has_taught_also_after_pickling(strategy, expected, dtype):
    rule = strategy.fold_in_rule(R.astype(dtype), LABELS)
    predictions = locked(R_NEW.astype(dtype))
    for current in (rule, pickle.loads(pickle.dumps(rule))):
        C = current(predictions).weights(predictions)
        assert C.dtype == dtype
        np.testing.assert_allclose(C, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("strategy", BY_NOISE, ids=repr)
def test_new_instances_keep_the_noise_that_training_found(strategy):
    rule = pickle.loads(pickle.dumps(strategy.fold_in_rule(R, LABELS)))
    expected = strategy.rule(R, LABELS).per_classifier[:, None] * NEW_OBSERVED
    np.testing.assert_array_equal(rule(R_NEW).weights(R_NEW), expected)


class SquaredCertainty(ConfidenceStrategy):
    def compute(self, R, labels):
        return np.nan_to_num((R - 0.5) ** 2) * np.where(np.isnan(labels), 1, 10)


def test_a_users_own_strategy_folds_in_as_if_unlabelled():
    rule = SquaredCertainty().fold_in_rule(R, LABELS)
    np.testing.assert_allclose(pickle.loads(pickle.dumps(rule))(R_NEW), NEW_CERTAINTY**2)
    modulated_rule = LabelAwareConfidence(1, SquaredCertainty()).fold_in_rule(R, LABELS)
    np.testing.assert_allclose(modulated_rule(R_NEW), NEW_CERTAINTY**2)


class Doubled(CalibrationConfidence):
    def compute(self, R, labels):
        return 2 * super().compute(R, labels)


class DoubledRule(Doubled):
    def rule(self, R, labels):
        rule = super().rule(R, labels)
        return ConfidenceRule(per_classifier=2 * rule.per_classifier)


def test_whoever_overrides_the_weights_alone_is_not_overruled_by_an_inherited_rule():
    expected = 2 * CALIBRATION * OBSERVED
    np.testing.assert_allclose(Doubled().weigh(R, LABELS), expected)
    np.testing.assert_allclose(Doubled().fold_in_rule(R, LABELS)(R_NEW), 2 * NEW_OBSERVED)
    np.testing.assert_allclose(DoubledRule().weigh(R, LABELS).weights(R), expected)
    new = DoubledRule().fold_in_rule(R, LABELS)(R_NEW).weights(R_NEW)
    np.testing.assert_allclose(new, 2 * CALIBRATION * NEW_OBSERVED)


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        (Doubled(), modulated(2 * CALIBRATION * OBSERVED, 1)),
        (LabelAwareConfidence(2), modulated(modulated(CERTAINTY, 2), 1)),
    ],
    ids=["computed", "modulated already"],
)
def test_labels_modulate_what_has_no_rule_or_was_modulated_before(base, expected):
    rule = LabelAwareConfidence(1, base).weigh(R, LABELS)
    np.testing.assert_allclose(rule.weights(R), expected)


class ByInstance(ConfidenceStrategy):
    def rule(self, R, labels):
        return ConfidenceRule(per_instance=np.nanmean(R, axis=0), labels=labels, alpha=1)

    def compute(self, R, labels):
        return self.rule(R, labels).weights(R)


def test_a_users_rule_that_looks_at_the_instances_looks_at_the_new_ones():
    rule = pickle.loads(pickle.dumps(ByInstance().fold_in_rule(R, LABELS)))(R_NEW)
    np.testing.assert_allclose(rule.weights(R_NEW), np.nanmean(R_NEW, axis=0) * NEW_OBSERVED)


def test_modulated_weights_are_0_where_nothing_was_predicted_whatever_they_were():
    C = modulate_by_labels(np.where(OBSERVED, 1, np.inf), R, LABELS, 1).weights(R)
    np.testing.assert_allclose(C, modulated(OBSERVED.astype(float), 1))
    twice = modulate_by_labels(LabelAwareConfidence(2).rule(R, LABELS), R, LABELS, 1).weights(R)
    np.testing.assert_allclose(twice, modulated(modulated(CERTAINTY, 2), 1))


# -------------------------------------------------------------------------------------- by name, and bad


@pytest.mark.parametrize(("name", "strategy"), NAMES.items())
def test_strategies_are_found_by_name(name, strategy):
    assert type(get_confidence_strategy(name)) is strategy


def test_parameters_reach_the_strategy_and_are_shown():
    assert repr(get_confidence_strategy("calibration", floor=0.3)) == "CalibrationConfidence(floor=0.3)"
    assert repr(AdaptiveConfidence()) == "AdaptiveConfidence(alpha=0.5, beta=0.3, gamma=0.2)"
    assert repr(NoiseAdaptiveConfidence(2)) == "NoiseAdaptiveConfidence(latent_dim=2, floor=0.005)"
    assert repr(LabelAwareConfidence(2)) == "LabelAwareConfidence(alpha=2.0, base=CertaintyConfidence())"


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=f"one of {', '.join(map(repr, NAMES))}, got 'certain'"):
        get_confidence_strategy("certain")


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        *[("calibration", "floor"), ("noise_adaptive", "floor"), ("label_aware", "alpha")],
        *[("adaptive", p) for p in ("alpha", "beta", "gamma")],
    ],
)
@pytest.mark.parametrize(("value", "error"), [(-0.1, ValueError), (NAN, ValueError), ("much", TypeError)])
def test_parameters_must_be_numbers_and_not_negative(name, parameter, value, error):
    with pytest.raises(error, match=f"{parameter} must be"):
        get_confidence_strategy(name, **{parameter: value})


def test_a_noise_model_needs_at_least_one_factor_and_some_noise():
    with pytest.raises(ValueError, match="latent_dim must be at least 1, got 0"):
        NoiseAdaptiveConfidence(0)
    with pytest.raises(ValueError, match="floor must be in"):
        NoiseAdaptiveConfidence(floor=0)


def test_the_base_to_modulate_must_be_a_strategy():
    with pytest.raises(TypeError, match="base must be a ConfidenceStrategy, got 'certainty'"):
        LabelAwareConfidence(base="certainty")
