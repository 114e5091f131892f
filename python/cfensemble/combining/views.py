"""Views of the predictions: what each classifier says of an instance, as log-odds, read in different ways.

An aggregator adds up log-odds. A classifier's own are right if its probabilities are; which they are is not known, so
the predictions are also read as what the other classifiers make of them, and as what the factorisation leaves of them.
"""

from typing import Any, Self

import numpy as np

from cfensemble._typing import Float, Vector
from cfensemble.data.log_odds import log_odds
from cfensemble.ensemble.reliability import consensus_of_others
from cfensemble.persistence.fields import Array, Field
from cfensemble.persistence.saved import Saved

VIEW_NAMES = ("own probabilities", "consensus of the others", "reconstruction")


class ConsensusView(Saved):
    """What the others say, on average, where the classifier says what it does.

    Each classifier's scale is bent by the increasing function that fits the consensus of the others best (isotonic
    regression): it keeps the classifier's ranking and takes the probabilities' meaning from the ensemble, without
    any label. It quietens those who are certain without reason.

    Parameters
    ----------
    R : ndarray of shape (m, n)
        Complete predictions that the functions are fitted to.
    weights : ndarray of shape (m,)
        What each classifier counts in the consensus.
    sample_weight : ndarray of shape (n,), optional
        How often each instance counts; default once.

    Attributes
    ----------
    curves : list of (ndarray, ndarray)
        The knots of each classifier's function, ascending, and its values there; linear between them.
    """

    def __init__(self, R: Float, weights: Vector, sample_weight: Vector | None = None) -> None:
        from sklearn.isotonic import IsotonicRegression

        self.curves: list[tuple[Vector, Vector]] = []
        for r, consensus in zip(R, consensus_of_others(R, weights), strict=True):
            if len(R) == 1:
                consensus = r  # there are no others
            fit = IsotonicRegression().fit(r, consensus, sample_weight)
            self.curves.append((fit.X_thresholds_.astype(np.float64), fit.y_thresholds_.astype(np.float64)))

    def consensus(self, completed: Float) -> Vector:
        """What the others say on average (m, n) where the classifiers say what they do."""
        return np.array([np.interp(r, *curve) for r, curve in zip(completed, self.curves, strict=True)])

    @classmethod
    def _fields(cls) -> dict[str, Field]:
        return {"x": Array("p"), "y": Array("p"), "n_points": Array("m", dtype="int64", low=1)}

    def _state(self) -> dict[str, Any]:
        x, y = (np.concatenate(parts) for parts in zip(*self.curves, strict=True))
        return {"x": x, "y": y, "n_points": np.array([len(x) for x, _ in self.curves])}

    @classmethod
    def _from_state(cls, state: dict[str, Any]) -> Self:
        x, y, ends = state["x"], state["y"], np.cumsum(state["n_points"])
        if len(ends) == 0:
            raise ValueError("n_points is empty")
        if ends[-1] != len(x):
            raise ValueError(f"n_points adds up to {ends[-1]}, but there are {len(x)} points")
        view = cls.__new__(cls)
        view.curves = [(x[begin:end], y[begin:end]) for begin, end in zip([0, *ends[:-1]], ends, strict=True)]
        if any((np.diff(points) <= 0).any() for points, _ in view.curves):
            raise ValueError("x must ascend")
        return view


def read_views(completed: Float, reconstructed: Float, consensus: ConsensusView) -> list[Vector]:
    """Log-odds (m, n) of complete predictions in each view, in the order of `VIEW_NAMES`."""
    return [log_odds(completed), log_odds(consensus.consensus(completed)), log_odds(reconstructed)]
