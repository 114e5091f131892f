"""What the command line prints, as rich tables."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from cfensemble._typing import Float
from cfensemble.comparison import LEVEL, Comparison
from cfensemble.evaluation import HIGHER_IS_BETTER, ClassScores, Scores
from cfensemble.tables import PredictionTable

_HEADERS = {"pr_auc": "PR-AUC", "accuracy": "accuracy", "log_loss": "log-loss", "brier": "Brier"}


def overview(name: str, table: PredictionTable) -> Table:
    """Tabulate the size of the table of this name and what is known and missing in it."""
    labelled = ~np.isnan(table.labels)
    n_labelled = int(labelled.sum())
    out = Table(box=SIMPLE_HEAD, show_header=False, title=Text(name), title_justify="left")
    out.add_column()
    out.add_column(justify="right")
    out.add_row("rows", f"{labelled.size:,}")
    out.add_row("classifiers", f"{len(table.classifiers):,}")
    out.add_row("labelled", f"{n_labelled:,} ({labelled.mean():.1%})")
    if table.is_multiclass:
        for label, count in table.label_counts().items():
            out.add_row(Text(f"of class {label}"), f"{count:,} ({count / max(n_labelled, 1):.1%})")
    else:
        out.add_row("positive class", Text(str(table.classes[1])))
        out.add_row("positive rate", f"{table.labels[labelled].mean():.1%}" if n_labelled else "not known")
    out.add_row("missing share", f"{np.isnan(table.R).mean():.1%}")
    return out


def comparison(title: str, results: Mapping[str, Scores | ClassScores | None]) -> Table:
    """Tabulate the scores of several methods, the best figure of each column marked with a star.

    Parameters
    ----------
    title : str
        What the scores were measured on.
    results : mapping of str to Scores, ClassScores or None
        Scores by method; None = not estimated.

    Returns
    -------
    Table
    """
    shown = {
        name: None if scores is None else {metric: f"{x:.4f}" for metric, x in asdict(scores).items()}
        for name, scores in results.items()
    }
    estimated = [figures for figures in shown.values() if figures is not None]
    metrics = list(estimated[0]) if estimated else [field.name for field in fields(Scores)]
    # The figures as they are printed decide, so that no winner is declared on digits that nobody sees.
    best = {
        metric: (max if HIGHER_IS_BETTER[metric] else min)((figures[metric] for figures in estimated), key=float)
        for metric in metrics
        if estimated
    }
    out = Table(box=SIMPLE_HEAD, title=title, title_justify="left")
    out.add_column("method")
    for metric in metrics:
        out.add_column(_HEADERS[metric], justify="right")
    for name, figures in shown.items():
        if figures is None:
            out.add_row(name, *["not estimated"] * len(metrics))
        else:
            out.add_row(name, *(f"* {x}" if x == best[metric] else x for metric, x in figures.items()))
    if best:
        out.caption = "* best of its column"
        out.caption_justify = "left"
    return out


def estimates(comparison: Comparison) -> list[Table]:
    """Tabulate a comparison: a table for each metric, the best mean marked with a star, and one of the times."""
    tables = []
    for metric, by_method in comparison.estimates.items():
        best = (max if HIGHER_IS_BETTER[metric] else min)((f"{e.mean:.4f}" for e in by_method.values()), key=float)
        title = (
            f"{_HEADERS[metric]}: {comparison.n_repeats} x {comparison.n_folds}-fold cross-validation on the "
            f"{comparison.n_labelled:,} labelled rows"
        )
        out = Table(box=SIMPLE_HEAD, title=title, title_justify="left", caption_justify="left")
        out.caption = (
            f"* best mean. Differences are to the best baseline, {comparison.best_baseline[metric]}; the same folds "
            "choose it, which favours it a little. p is corrected for the number of methods (Holm)."
        )
        if metric == "pr_auc":
            out.caption += (
                " Means over folds: not comparable with the PR-AUC of all rows at once, and noisy where a fold has few "
                "positives."
            )
        if any(e.low is None for e in by_method.values()):
            out.caption += " No interval and no test where all folds say the same: that tells nothing of their spread."
        out.add_column("method", overflow="fold")
        for header in ("mean", f"{LEVEL:.0%} interval", "difference", "p"):
            out.add_column(header, justify="right")
        for name, e in by_method.items():
            mean = f"{e.mean:.4f}"
            interval = "-" if e.low is None or e.high is None else f"{e.low:.4f} to {e.high:.4f}"
            difference = "-" if e.difference is None else f"{e.difference:+.4f}"
            p = "-" if e.p_value is None else f"{e.p_value:.3f}" if e.p_value >= 0.0005 else "< .001"
            out.add_row(name, f"* {mean}" if mean == best else mean, interval, difference, p)
        tables.append(out)
    times = Table(box=SIMPLE_HEAD, title="Time of a fit", title_justify="left", caption_justify="left")
    times.caption = "Means over all fits; what a method learns without labels, it may learn in the first of them alone."
    times.add_column("method", overflow="fold")
    times.add_column("seconds", justify="right")
    for name, seconds in comparison.seconds.items():
        times.add_row(name, f"{seconds:.4f}")
    return [*tables, times]


def weights(classifiers: Sequence[str], w: Float) -> Table:
    """Tabulate how much the classifiers count, the largest share first.

    Parameters
    ----------
    classifiers : sequence of str, length m
        Names.
    w : array of shape (m,)
        As `get_aggregator_weights` tells; a classifier's share is ``abs(w) / sum(abs(w))``.

    Returns
    -------
    Table
    """
    size = np.abs(w)
    share = size / max(size.sum(), np.finfo(float).tiny)
    out = Table(box=SIMPLE_HEAD, title="How much each classifier counts", title_justify="left")
    out.add_column("classifier", overflow="fold")
    out.add_column("weight", justify="right")
    out.add_column("share", justify="right")
    for u in np.argsort(-size, kind="stable"):
        out.add_row(Text(classifiers[u]), f"{w[u]:+.4f}", f"{share[u]:.1%}")
    return out
