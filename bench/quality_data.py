"""Prediction matrices to compare combiners on, and which labels and predictions a combiner gets to see."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np

from cfensemble._typing import Float, Vector

FRACTIONS = (0.01, 0.05, 0.2, 0.5)


@dataclass(frozen=True, eq=False)
class PredictionMatrix:
    """Predictions (m, n) on one split of a data set, and the labels (n,)."""

    dataset: str
    split: int
    R: Float
    y: Vector

    def draw_labels(self, fraction: float, seed: int) -> Vector:
        """Keep a stratified share of the labels, at least two of each class; larger shares hold smaller ones."""
        rng = np.random.default_rng([crc32(self.dataset.encode()), self.split, seed, 77])
        labels = np.full(len(self.y), np.nan)
        for label in (1, 0):
            members = rng.permutation(np.flatnonzero(self.y == label))
            kept = members[: min(max(round(fraction * members.size), 2), members.size - 2)]
            labels[kept] = label
        return labels

    def remove(self, share: float) -> Float:
        """R without that share of its entries, taken at random."""
        rng = np.random.default_rng([crc32(self.dataset.encode()), self.split, round(100 * share)])
        return np.where(rng.random(self.R.shape) < share, np.nan, self.R)


def load(folder: Path) -> Iterator[PredictionMatrix]:
    """Read every NAME__sSPLIT.npz of a folder, with arrays R (m, n) and y (n,)."""
    files = sorted(folder.glob("*.npz")) or sorted(folder.glob("data/*.npz"))
    if not files:
        raise SystemExit(f"{folder}: holds no .npz files")
    for file in files:
        name = re.fullmatch(r"(.+?)(?:__s(\d+))?", file.stem)
        assert name is not None
        with np.load(file) as arrays:
            R, y = arrays["R"].astype(np.float64), arrays["y"].astype(np.float64)
        yield PredictionMatrix(name[1], int(name[2] or 0), R, y)


def build() -> Iterator[PredictionMatrix]:
    """Train classifiers of mixed quality on 30 % of the rows of scikit-learn's data sets and score the rest, twice."""
    from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
    from sklearn.model_selection import train_test_split

    digits, digit = load_digits(return_X_y=True)
    tumours, malignant = load_breast_cancer(return_X_y=True)
    wines, cultivar = load_wine(return_X_y=True)
    patients, progression = load_diabetes(return_X_y=True)
    tasks = {
        "digits_8": (digits, digit == 8),
        "digits_3": (digits, digit == 3),
        "digits_odd": (digits, digit % 2 == 1),
        "breast_cancer": (tumours, malignant == 0),
        "wine": (wines, cultivar == 1),
        "diabetes": (patients, progression > np.quantile(progression, 0.8)),
    }
    for name, (features, target) in tasks.items():
        for split in (0, 1):
            X_train, X_pool, y_train, y_pool = train_test_split(
                features, target, train_size=0.3, stratify=target, random_state=split
            )
            rng = np.random.default_rng([crc32(name.encode()), split])
            R = [
                model.fit(X_train[:, seen], y_train).predict_proba(X_pool[:, seen])[:, 1]
                for model in _models(split)
                for seen in [rng.permutation(features.shape[1])[: max(features.shape[1] // rng.integers(1, 4), 2)]]
            ]
            yield PredictionMatrix(name, split, np.array(R), y_pool.astype(np.float64))


def _models(seed: int) -> list:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.ensemble import AdaBoostClassifier, ExtraTreesClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    def scaled(model: object) -> object:
        return make_pipeline(StandardScaler(), model)

    return [
        scaled(LogisticRegression(max_iter=1000)),
        scaled(LogisticRegression(C=0.01, max_iter=1000)),
        scaled(LogisticRegression(C=100, class_weight="balanced", max_iter=5000)),
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
        GaussianNB(),
        scaled(KNeighborsClassifier(3)),
        scaled(KNeighborsClassifier(15)),
        DecisionTreeClassifier(random_state=seed),
        DecisionTreeClassifier(max_depth=3, random_state=seed),
        RandomForestClassifier(50, random_state=seed),
        RandomForestClassifier(25, max_depth=3, class_weight="balanced", random_state=seed),
        ExtraTreesClassifier(50, random_state=seed),
        AdaBoostClassifier(n_estimators=25, random_state=seed),
        DecisionTreeClassifier(max_depth=2, random_state=seed),
    ]
