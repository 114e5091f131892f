"""Captions: did training behave."""

import numpy as np

from cfensemble.ensemble.collapse import MIN_NORM
from cfensemble.report.analysis import Analysis
from cfensemble.report.words import number, percent, plural

_MEANING = {
    "own probabilities": "each prediction is taken as the probability that it says it is",
    "consensus of the others": "each prediction is replaced by what the other classifiers say on average on rows where "
    "this one says the same",
    "reconstruction": "each prediction is replaced by what the factor model leaves of it, without the noise of the "
    "single classifier",
}


def training(analysis: Analysis) -> str:
    """Say whether training behaved."""
    t = analysis.training
    if t.view_shares:
        text = f"The combined probabilities have a standard deviation of {number(t.spread)} between rows."
        if t.norm < MIN_NORM:
            text += " The weights are next to nothing: the labels give no reason to follow any of the classifiers."
        elif t.net < 0:
            text += (
                " The weights add up to less than zero: most of what the classifiers say is read the other way round."
            )
    elif t.collapse is None:
        text = (
            f"The weights have not collapsed: their size is {t.norm:.2f}, where the plain average has 1 and less than "
            f"{MIN_NORM} is collapse, and the combined probabilities differ between rows, with a standard deviation of "
            f"{number(t.spread)}."
        )
    else:
        text = f"The weights have collapsed, so that the model is of no use: {t.collapse}."
    n = plural(t.n_iter, "iteration")
    if t.view_shares:
        end = (
            f"converged after {n}"
            if t.converged
            else f"was stopped at its limit of {n}, and might still change a little"
        )
        return f"{text} The factor model, which fills gaps and needs no labels, {end}."
    return f"{text} The fit converged after {n}." if t.converged else f"{text} The fit had not converged after {n}."


def views(shares: dict[str, float]) -> str:
    """Say how the predictions were read."""
    most = max(shares, key=lambda name: shares[name])
    share = (
        f"{percent(shares[most])} of the mixture"
        if shares[most] > 0.5
        else f"The largest share, {percent(shares[most])},"
    )
    return f"How the predictions are read. {share} goes to the {most}: {_MEANING.get(most, 'a way of its own')}."


def losses(analysis: Analysis) -> str:
    """Say what the loss curves show."""
    history = analysis.training.history
    assert history is not None
    loss = history["loss"]
    text = f"The loss went from {loss[0]:.4g} to {loss[-1]:.4g} in {plural(len(loss), 'iteration')}"
    rises = int(np.sum(np.diff(loss) > 1e-9 * np.abs(loss[:-1])))
    return f"{text}, and rose in {rises:,} of them." if rises else f"{text}, and never rose."


def weight_paths(analysis: Analysis) -> str:
    """Say how the weights moved."""
    t, names = analysis.training, analysis.subject.classifiers
    assert t.history is not None
    w = np.array(t.history["weights"])
    moved = np.abs(w[-1] - w[0])
    text = f"From the first iteration to the last, {names[int(np.argmax(moved))]} moved most, by {moved.max():.3g}."
    if not moved.any():
        text = "The weights did not change."
    elif t.frozen > 1:
        text += f" The weights stayed as they were for the first {t.frozen:,} iterations."
    return text
