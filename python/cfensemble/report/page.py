"""The page: one HTML file that needs nothing else, not even a script."""

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from cfensemble._atomic import replacing

if TYPE_CHECKING:
    from cfensemble.estimators import CFEnsembleClassifier
    from cfensemble.report.analysis import Analysis


def require() -> None:
    """Raise an ImportError that says what to install, if anything that reports need is not installed."""
    missing = [name for name in ("jinja2", "matplotlib") if find_spec(name) is None]
    if missing:
        raise ImportError(f"reports need {' and '.join(missing)}: pip install 'cfensemble[report]'")


def write_report(
    path: str | os.PathLike[str],
    model: "CFEnsembleClassifier",
    P: Any,
    y: Any,
    *,
    title: str = "predictions",
    ids: Sequence[Any] | None = None,
    on_progress: Callable[[float], object] = lambda share: None,
) -> None:
    """Write a report on a fitted classifier to an HTML file.

    Parameters
    ----------
    path : path
        The file; it appears as a whole or not at all, in place of what was there.
    model : CFEnsembleClassifier
        Fitted.
    P, y : as in its `fit`
        Predictions and labels: those that it was fitted to, or others of the same classifiers.
    title : str, default="predictions"
        What they are called.
    ids : sequence of length n, optional
        Names of the rows; default their positions, from 0.
    on_progress : callable, optional
        Called with the share of the work that is done.

    Raises
    ------
    ImportError
        Without jinja2 or matplotlib, saying what to install.
    ValueError
        If P or y is not as described.
    """
    require()
    from cfensemble.report.analysis import analyse
    from cfensemble.report.subject import make_subject

    analysis = analyse(make_subject(model, P, y, title, ids), lambda share: on_progress(0.9 * share))
    html = render(analysis)
    with replacing(path) as file:
        file.write(html.encode())
    on_progress(1.0)


def render(analysis: "Analysis") -> str:
    """Put an analysis into words and pictures."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from cfensemble import __version__
    from cfensemble.report import captions
    from cfensemble.report.advice import advise
    from cfensemble.report.figures import draw
    from cfensemble.report.summary import in_short
    from cfensemble.report.svg import colour_schemes
    from cfensemble.report.tables import classifier_rows, overview_rows, score_rows, to_label
    from cfensemble.report.words import number, percent

    environment = Environment(
        loader=PackageLoader("cfensemble.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    figures = draw(analysis)
    light, dark = colour_schemes([figure.svg for figure in figures.values()])
    return environment.get_template("report.html").render(
        analysis=analysis,
        subject=analysis.subject,
        captions=captions,
        figures=figures,
        light=light,
        dark=dark,
        advice=advise(analysis),
        overview=overview_rows(analysis.subject),
        scores=None if analysis.cv is None else score_rows(analysis.cv),
        classifiers=classifier_rows(analysis),
        to_label=to_label(analysis.subject),
        in_short=in_short(analysis),
        number=number,
        percent=percent,
        version=__version__,
    )
