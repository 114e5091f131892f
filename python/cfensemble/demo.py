"""A real combination problem without a download: handwritten digits and twelve classifiers.

The task is to tell the eights from the other digits (scikit-learn's `load_digits`: 1797 images, 9.7 %
eights). The classifiers are ordinary ones of very mixed quality, several of them shown a few pixels
only. Their predictions are out of fold: every image is scored by a model that was fitted without it.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cfensemble import plots
from cfensemble._typing import Float, Vector
from cfensemble.tables import PredictionTable

DIGIT = 8
LABELLED_SHARE = 0.05
MISSING_SHARE = 0.10
"""Share of the predictions that are removed, each with the same chance."""


@dataclass(frozen=True, eq=False)
class Demo:
    """The demo's table and what it conceals.

    Attributes
    ----------
    table : PredictionTable
        Twelve classifiers' predictions with `MISSING_SHARE` of them missing and `LABELLED_SHARE` of the
        labels.
    y : array of shape (n,), float64
        The true label of every instance, 1 or 0.
    """

    table: PredictionTable
    y: Vector


def build_demo(seed: int = 0) -> Demo:
    """Train the base models and assemble the demo's table.

    Parameters
    ----------
    seed : int, default 0
        Seed of the folds, the models, the pixels that the restricted models see, the labels that are kept
        and the predictions that are removed.

    Returns
    -------
    Demo
        m = 12 classifiers, n = 1797 instances, labels of 90 of them, stratified.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import StratifiedKFold, cross_val_predict, train_test_split

    rng = np.random.default_rng(seed)
    pixels, digit = load_digits(return_X_y=True)
    pixels = pixels / 16.0
    y = (digit == DIGIT).astype(np.float64)
    n = y.size

    models = _base_models(seed)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    R = np.empty((len(models), n))
    for row, (model, n_pixels) in zip(R, models.values(), strict=True):
        seen = rng.permutation(pixels.shape[1])[:n_pixels]
        row[:] = cross_val_predict(model, pixels[:, seen], y, cv=folds, method="predict_proba")[:, 1]
    R[rng.random(R.shape) < MISSING_SHARE] = np.nan

    kept, _ = train_test_split(np.arange(n), train_size=round(LABELLED_SHARE * n), stratify=y, random_state=seed)
    labels = np.full(n, np.nan)
    labels[kept] = y[kept]
    ids = [f"image-{i:04d}" for i in range(n)]
    return Demo(PredictionTable(ids, R, labels, tuple(models), "image", "is_eight"), y)


def _base_models(seed: int) -> dict[str, tuple[Any, int | None]]:
    """Each classifier with the number of pixels that it sees (None = all 64)."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.ensemble import (
        AdaBoostClassifier,
        ExtraTreesClassifier,
        GradientBoostingClassifier,
        RandomForestClassifier,
    )
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import BernoulliNB, GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.tree import DecisionTreeClassifier

    return {
        "logistic": (LogisticRegression(max_iter=1000), None),
        "logistic_16px": (LogisticRegression(max_iter=1000), 16),
        "lda": (LinearDiscriminantAnalysis(), None),
        "gaussian_nb": (GaussianNB(), None),
        "bernoulli_nb": (BernoulliNB(binarize=0.5), None),
        "knn_8px": (KNeighborsClassifier(15), 8),
        "tree": (DecisionTreeClassifier(max_depth=4, random_state=seed), None),
        "tree_12px": (DecisionTreeClassifier(max_depth=4, random_state=seed), 12),
        "forest_16px": (RandomForestClassifier(50, random_state=seed), 16),
        "extra_trees": (ExtraTreesClassifier(50, max_depth=4, random_state=seed), None),
        "adaboost": (AdaBoostClassifier(n_estimators=30, random_state=seed), None),
        "boosting_8px": (GradientBoostingClassifier(n_estimators=30, random_state=seed), 8),
    }


def draw(
    path: str | os.PathLike[str],
    y: Vector,
    predictions: Mapping[str, Float],
    weights: Vector,
    classifiers: Sequence[str],
) -> None:
    """Draw the PR curve of every method and the classifiers' weights into one PNG file.

    Parameters
    ----------
    path : path
        The file; an existing one is replaced.
    y, predictions
        As for `cfensemble.plots.precision_recall`.
    weights, classifiers
        As for `cfensemble.plots.classifier_weights`.
    """
    from matplotlib.figure import Figure

    with plots.style():
        figure = Figure(figsize=(12.5, 5), dpi=150)
        left, right = figure.subplots(1, 2)
    plots.precision_recall(y, predictions, left)
    left.set_title(f"Precision and recall on {y.size} instances with hidden labels")
    plots.classifier_weights(weights, classifiers, ax=right)
    right.set_title("Weight of each classifier")
    figure.savefig(path, format="png")
