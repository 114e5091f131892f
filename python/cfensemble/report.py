"""What the command line prints, as rich tables."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from cfensemble._typing import Float
from cfensemble.evaluation import Scores
from cfensemble.tables import PredictionTable

_HIGHER_IS_BETTER = (True, False, False)


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
    out.add_row("positive rate", f"{table.labels[labelled].mean():.1%}" if n_labelled else "not known")
    out.add_row("missing share", f"{np.isnan(table.R).mean():.1%}")
    return out


def comparison(title: str, results: Mapping[str, Scores | None]) -> Table:
    """Tabulate the scores of several methods, the best figure of each column marked with a star.

    Parameters
    ----------
    title : str
        What the scores were measured on.
    results : mapping of str to Scores or None
        Scores by method; None = not estimated.

    Returns
    -------
    Table
    """
    shown = {
        name: None if scores is None else tuple(f"{x:.4f}" for x in astuple(scores)) for name, scores in results.items()
    }
    columns = list(zip(*filter(None, shown.values()), strict=True))
    # The figures as they are printed decide, so that no winner is declared on digits that nobody sees.
    best = [
        (max if higher else min)(column, key=float) for higher, column in zip(_HIGHER_IS_BETTER, columns, strict=False)
    ]
    out = Table(box=SIMPLE_HEAD, title=title, title_justify="left")
    out.add_column("method")
    for header in ("PR-AUC", "log-loss", "Brier"):
        out.add_column(header, justify="right")
    for name, figures in shown.items():
        if figures is None:
            out.add_row(name, *["not estimated"] * len(_HIGHER_IS_BETTER))
        else:
            out.add_row(name, *(f"* {x}" if x == b else x for x, b in zip(figures, best, strict=True)))
    if best:
        out.caption = "* best of its column"
        out.caption_justify = "left"
    return out


def weights(classifiers: Sequence[str], w: Float) -> Table:
    """Tabulate the aggregator's weights, the largest share first.

    Parameters
    ----------
    classifiers : sequence of str, length m
        Names.
    w : array of shape (m,)
        Weights; a classifier's share is ``abs(w) / sum(abs(w))``.

    Returns
    -------
    Table
    """
    size = np.abs(w)
    share = size / max(size.sum(), np.finfo(float).tiny)
    out = Table(box=SIMPLE_HEAD, title="Learned weights", title_justify="left")
    out.add_column("classifier", overflow="fold")
    out.add_column("weight", justify="right")
    out.add_column("share", justify="right")
    for u in np.argsort(-size, kind="stable"):
        out.add_row(Text(classifiers[u]), f"{w[u]:+.4f}", f"{share[u]:.1%}")
    return out
