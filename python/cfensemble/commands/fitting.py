"""Reading a table and fitting a model to it, with progress."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cfensemble._typing import Float, Vector
from cfensemble.commands.errors import warn
from cfensemble.commands.output import Output
from cfensemble.data.ensemble_data import empty_lines
from cfensemble.data.suspicions import backwards, copies_of_labels
from cfensemble.tables import PredictionTable, listed, read_table

if TYPE_CHECKING:
    from rich.progress import Progress

    from cfensemble.baselines import Method
    from cfensemble.combining import Combiner
    from cfensemble.combining.multiclass import MulticlassCombiner
    from cfensemble.optimization.base import BaseTrainer
    from cfensemble.optimization.history import Callback, IterationRecord

OURS = "CF-Ensemble"
SEED = 0
_WITHOUT_LABELS = ("the plain average of the completed predictions", "what the classifiers' agreement suggests")


def read_with_progress(
    path: str, labels: str, id_column: str | None, classifiers: Sequence[str] | None, output: Output
) -> PredictionTable:
    """Read a table of predictions."""
    with output.progress() as progress:
        task = progress.add_task("reading", total=1.0)
        return read_table(path, labels, id_column, classifiers, lambda share: progress.update(task, completed=share))


def check_solver(solver: str) -> None:
    """Refuse a solver that is not known or not installed, before anything is read."""
    from cfensemble.solvers import make_trainer

    make_trainer(solver, np.empty(0))


def check_classes(name: str, table: PredictionTable, solver: str) -> None:
    """Refuse more than two classes where the solver does not take them."""
    if table.is_multiclass and solver != "auto":
        raise ValueError(f"--solver: {solver} combines two classes, and {name} has {len(table.classes)}; use auto")


def check_labels(name: str, table: PredictionTable) -> None:
    """Refuse a table that has a class without any label."""
    lacking = [label for label, count in table.label_counts().items() if not count]
    if len(lacking) == len(table.classes):
        raise ValueError(f"{name}: label column {table.label_column!r} has no labels; label rows of each class")
    if lacking:
        shown = ", ".join(map(repr, lacking))
        raise ValueError(
            f"{name}: label column {table.label_column!r} has no label of class {shown}; label a row of each class"
        )


def warn_of_missing_labels(name: str, table: PredictionTable, solver: str) -> None:
    """Say what is done without labels of each class."""
    counts = table.label_counts()
    lacking = [str(label) for label, count in counts.items() if not count]
    if table.is_multiclass and 0 < len(lacking) < len(counts):
        warn(
            f"{name}: label column {table.label_column!r} has no label of class {listed(lacking)}; what is said of it "
            "rests on the classifiers alone, and nothing is measured of it"
        )
    elif table.is_multiclass and lacking:
        warn(
            f"{name}: label column {table.label_column!r} has no labels, so no weights can be learned; the result is "
            f"{_WITHOUT_LABELS[True]}"
        )
    elif lacking:
        warn(
            f"{name}: label column {table.label_column!r} lacks labels of both classes, so no weights can be learned; "
            f"the result is {_WITHOUT_LABELS[solver == 'auto']}"
        )


def warn_of_oddities(name: str, table: PredictionTable) -> None:
    """Say which rows and classifiers have no prediction, and what looks mixed up, in the table's own words."""
    flat = table.R[:, 0] if table.is_multiclass else table.R
    silent, unseen = empty_lines(flat)
    if silent.any():
        shown = listed([classifier for classifier, empty in zip(table.classifiers, silent, strict=True) if empty])
        warn(f"{name}: no predictions of {shown}; leave out what predicts nothing (--classifiers)")
    warn_of_empty_rows(name, int(np.count_nonzero(unseen)), int(np.argmax(unseen)) + 1)
    if table.is_multiclass:
        return
    for u in copies_of_labels(table.R, table.labels):
        warn(
            f"{name}: column {table.classifiers[u]!r} holds the labels themselves, where there are labels and nowhere "
            "else; leave it out (--classifiers)"
        )
    area = backwards(table.R, table.labels)
    if area is not None:
        negative, positive = table.classes
        remedy = "rename the labels" if isinstance(positive, str) else "write 1 - p instead"
        warn(
            f"{name}: the mean prediction ranks rows of class {positive!r}, taken for the positive one because it is "
            f"the last in sorted order, below those of class {negative!r} (ROC-AUC {area:.2f}); if the columns hold "
            f"probabilities of {negative!r}, {remedy}"
        )


def warn_of_empty_rows(name: str, count: int, first: int) -> None:
    """Say how many rows have no prediction, if some have none, and the number of the first."""
    if count == 1:
        warn(f"{name}: row {first} has no prediction; it gets the base rate")
    elif count:
        warn(f"{name}: {count:,} rows have no prediction, row {first} the first; they get the base rate")


def few_labels(table: PredictionTable) -> str | None:
    """Say so where cross-validated figures rest on few labels."""
    from cfensemble.evaluation import FEW_LABELS

    label, count = min(table.label_counts().items(), key=lambda item: item[1])
    if not 1 < count < FEW_LABELS:
        return None
    n = int(np.sum(~np.isnan(table.labels)))
    return f"With {n:,} labels, {count} of them of class {label}, cross-validated figures vary widely"


def fit_combiner(
    solver: str, R: Float, labels: Vector, callbacks: "Sequence[Callback]" = ()
) -> "Combiner | MulticlassCombiner | BaseTrainer":
    """Fit what combines R (m, n) or (m, K, n), as `CFEnsembleClassifier` does, but without labels as well."""
    from cfensemble.combining.multiclass import MulticlassCombiner
    from cfensemble.data import EnsembleData
    from cfensemble.solvers import make_trainer

    if R.ndim == 3:
        return MulticlassCombiner().fit(R, labels)
    return make_trainer(solver, labels, SEED, callbacks).fit(EnsembleData(R, labels))


def as_method(solver: str) -> "Method":
    """Return a solver as a method to be compared with baselines.

    The combiner that sets itself keeps its factor model, which knows nothing of labels, from one call to the next: the
    results are the same to the last bit.
    """
    from cfensemble.combining import Combiner
    from cfensemble.combining.multiclass import MulticlassCombiner
    from cfensemble.data import EnsembleData

    two, more = Combiner(warm_start=True), MulticlassCombiner(warm_start=True)

    def method(R: Float, labels: Vector) -> Float:
        if solver != "auto":
            return fit_combiner(solver, R, labels).predict()
        return more.fit(R, labels).predict() if R.ndim == 3 else two.fit(EnsembleData(R, labels)).predict()

    return method


def baselines_for(table: PredictionTable) -> "dict[str, Method]":
    """Return the baselines for as many classes."""
    from cfensemble.baselines import BASELINES, MULTICLASS_BASELINES

    return MULTICLASS_BASELINES if table.is_multiclass else BASELINES


def add_fitting(progress: "Progress", solver: str) -> "list[Callback]":
    """Add a bar for a fit and return what moves it. The combiner that sets itself tells nothing until it is done."""
    from cfensemble.solvers import MAX_ITERATIONS

    task = progress.add_task("fitting", total=MAX_ITERATIONS.get(solver))

    def advance(record: "IterationRecord") -> None:
        progress.advance(task)

    return [advance] if solver in MAX_ITERATIONS else []


def as_features(classifiers: Sequence[str], R: Float) -> Any:
    """Return R (m, n) or (m, K, n) as what an estimator takes, with the classifiers' names."""
    import pyarrow as pa

    if R.ndim == 3:
        return {name: rows.T for name, rows in zip(classifiers, R, strict=True)}
    return pa.table(dict(zip(classifiers, R, strict=True)))


def as_labels(table: PredictionTable) -> Any:
    """Return a table's labels (n,) as they are in it, None where there is none."""
    return np.array([None if np.isnan(code) else table.classes[int(code)] for code in table.labels], object)


def load_classifier(file: Path) -> Any:
    """Load a classifier with named columns from a model file."""
    from cfensemble.estimators import CFEnsembleClassifier
    from cfensemble.persistence import load

    try:
        model = load(file)
    except OSError as error:
        reason = error.strerror or error
        raise ValueError(f"{file}: cannot be opened ({reason}); name a file that `cfensemble fit` saved") from error
    if not isinstance(model, CFEnsembleClassifier):
        raise ValueError(f"{file}: holds a {type(model).__name__}; only a CFEnsembleClassifier predicts tables")
    if not hasattr(model, "feature_names_in_"):
        raise ValueError(
            f"{file}: its model was fitted without column names, so that no table's columns can be told apart; fit "
            "it to a data frame, or with `cfensemble fit`"
        )
    return model


def describe_solver(solver: str, model: Any) -> dict[str, Any]:
    """Return a fitted solver's name and how its fit went, for JSON."""
    if solver == "auto":
        return {"name": solver, "view_shares": dict(model.view_shares_)}
    return {"name": solver, "converged": bool(model.converged_), "iterations": int(model.n_iter_)}


def describe(name: str, table: PredictionTable) -> dict[str, Any]:
    """Return a table's name and size and what is known and missing in it, for JSON."""
    counts = table.label_counts()
    return {
        "name": name,
        "rows": len(table.labels),
        "classifiers": list(table.classifiers),
        "classes": list(table.classes),
        "labelled": {str(label): count for label, count in counts.items()},
        "missing_share": float(np.isnan(table.R).mean()),
    }
