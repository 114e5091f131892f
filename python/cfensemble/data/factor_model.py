"""Factor analysis of the predictions: a model of them in which every classifier has its own noise."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cfensemble import _core
from cfensemble._blocks import LARGE, column_blocks, count_missing
from cfensemble._threads import resolve_threads
from cfensemble._typing import Float, Indices, Mask, Vector
from cfensemble._validation import finite_matrix, integer, number, sample_weights
from cfensemble.data.confidence_rule import ConfidenceRule
from cfensemble.persistence.fields import Array, Boolean, Field
from cfensemble.persistence.saved import Saved


@dataclass(frozen=True, eq=False)
class FactorModel(Saved):
    """A model of predictions by factors and noise; see `fit_factor_model`.

    r_ui = mean_u + x_u . y_i + e_ui with y_i ~ N(0, I) and e_ui ~ N(0, noise_u).

    Attributes
    ----------
    mean : ndarray of shape (m,)
        Each classifier's intercept; 0 where it predicted nothing.
    X : ndarray of shape (d, m)
        Classifier factors, turned so that X diag(1 / noise) X' is diagonal and descends and no row's sum is negative.
    noise : ndarray of shape (m,)
        Variance of each classifier's noise; 0 for one whose predictions do not vary, which is left out of the model.
    Y : ndarray of shape (d, n)
        Instance factors, in R's precision: their expectation given the instance's predictions, 0 where it has none.
    log_likelihood : ndarray of shape (n_iterations + 1,)
        Of what was predicted, at the start and after each iteration; it never falls, but for rounding.
    converged : bool
        Whether the last iteration gained less than the tolerance.
    """

    mean: Vector
    X: Vector
    noise: Vector
    Y: Float
    log_likelihood: Vector
    converged: bool

    @classmethod
    def _fields(cls) -> dict[str, Field]:
        return {
            "mean": Array("m"),
            "X": Array("d", "m"),
            "noise": Array("m", low=0),
            "Y": Array("d", "n", dtype="float"),
            "log_likelihood": Array("k+1"),
            "converged": Boolean(),
        }

    def reconstruct(self, columns: slice | Indices = slice(None)) -> Float:
        """Return what the model expects of the predictions (m, k) for some, by default all, of the instances."""
        dtype = self.Y.dtype
        return self.X.T.astype(dtype) @ self.Y[:, columns] + self.mean[:, None].astype(dtype)

    def posterior(self, R: ArrayLike, n_threads: int | None = None) -> Float:
        """Find what the model expects of the factors of instances.

        Parameters
        ----------
        R : array-like of shape (m, k)
            Their predictions, NaN where missing.
        n_threads : int, optional
            Threads to use; None: what the process may use.

        Returns
        -------
        ndarray of shape (d, k)
            Expected factors, 0 for an instance without predictions.

        Raises
        ------
        ValueError
            If R has another number of classifiers or holds infinities.
        """
        R = finite_matrix(R)
        if len(R) != len(self.mean):
            raise ValueError(f"R must have the model's {len(self.mean)} classifiers as rows, got shape {R.shape}")
        return _posterior(self.X, self.mean, self.noise, R, resolve_threads(n_threads))


def fit_factor_model(
    R: ArrayLike,
    latent_dim: int = 1,
    max_iter: int = 200,
    tol: float = 1e-6,
    floor: float = 0.005,
    n_threads: int | None = None,
    *,
    sample_weight: ArrayLike | None = None,
) -> FactorModel:
    """Fit factors and a noise variance per classifier to the predictions, without labels.

    By the EM algorithm on the marginal likelihood of what was predicted: an instance's factors enter with their
    posterior covariance, so that a classifier's noise does not run to 0 as its residuals can. Deterministic.

    Parameters
    ----------
    R : array-like of shape (m, n)
        Predictions, on any scale; NaN where missing.
    latent_dim : int, default=1
        Number d of factors, >= 1; of k > 1 classifiers that vary at most k - 1 are made, else 1.
    max_iter : int, default=200
        Most iterations, >= 1.
    tol : float, default=1e-6
        Stop when an iteration gains no more than this, >= 0, in log-likelihood per prediction.
    floor : float, default=0.005
        Least noise of a classifier, in units of the variance of its predictions: from the data's rounding to 1.
    n_threads : int, optional
        Threads to use; None: what the process may use.
    sample_weight : array-like of shape (n,), optional
        How often each instance counts, >= 0; default once.

    Returns
    -------
    FactorModel
        Finite whatever is missing; classifiers whose predictions do not vary are constants of it.

    Raises
    ------
    ValueError
        If R holds infinities or numbers that cannot be squared, or an option is out of range.

    References
    ----------
    D. B. Rubin and D. T. Thayer, EM algorithms for ML factor analysis, Psychometrika 47 (1982).
    """
    R = finite_matrix(R)
    latent_dim, max_iter = integer(latent_dim, "latent_dim", 1), integer(max_iter, "max_iter", 1)
    tol, floor = number(tol, "tol", 0), number(floor, "floor", float(np.finfo(R.dtype).eps), 1)
    threads = resolve_threads(n_threads)
    weights = sample_weights(sample_weight, R.shape[1])
    n = float(R.shape[1]) if weights is None else float(weights.sum())

    count, center, variance = _moments(R, weights)
    complete = _is_complete(R, weights)
    correlation = _correlation(R, weights, center, variance) / n
    covariance = correlation * np.outer(np.sqrt(variance), np.sqrt(variance))
    mean, (X, noise) = center, _start(correlation, variance, latent_dim, floor)
    history: list[float] = []
    while True:
        if complete:
            second, cross, log_likelihood = _complete_moments(X, noise, covariance)
            log_likelihood *= n
        else:
            gram, rhs, log_likelihood = _core.factor_moments(X, mean, noise, R, threads, weights)
        history.append(log_likelihood)
        converged = len(history) > 1 and history[-1] - history[-2] <= tol * count[variance > 0].sum()
        if converged or len(history) > max_iter:
            break
        squares = variance + (center - mean) ** 2  # mean over i of (r_ui - mean_u)^2
        if complete:
            X = np.asarray(np.linalg.lstsq(second, cross)[0], np.float64)  # the coefficients of r - mean on y
            explained = np.sum(X * cross, axis=0)
        else:
            coefficients, _ = _core.classifier_step(gram, rhs, 0.0, False, threads)  # of r - mean on (y, 1)
            explained = _ratio(np.sum(coefficients * rhs.T, axis=0), count)
            X, mean = coefficients[:-1], mean + coefficients[-1]
        noise = np.maximum(squares - explained, floor * variance)
    X = _orient(X, noise)
    Y = _posterior(X, mean, noise, R, threads)
    return FactorModel(mean, X, noise, Y, np.array(history), converged)


def _moments(R: Float, weights: Vector | None) -> tuple[Vector, Vector, Vector]:
    """Each classifier's number of predictions, their mean and their variance: 0 where that is a matter of rounding."""

    def total(of: Callable[[Float], Float | Mask]) -> Vector:
        """Weighted sums (m,) over the instances of what it makes of their predictions, NaN counting as 0."""
        sums = np.zeros(len(R))
        for columns in column_blocks(R.shape, LARGE):
            values = of(R[:, columns])
            sums += np.nansum(values if weights is None else values * weights[columns], axis=1, dtype=np.float64)
        return sums

    count = total(lambda r: ~np.isnan(r))
    with np.errstate(over="ignore", invalid="ignore"):  # what becomes infinite is reported next
        mean = _ratio(total(lambda r: r), count)
        squares = total(lambda r: (r - mean[:, None]) ** 2)
    if not np.isfinite(squares).all():
        raise ValueError(f"R[{np.argmax(~np.isfinite(squares))}] holds predictions too large to be squared")
    variance = _ratio(squares, count)
    precision = np.finfo(R.dtype)
    return count, mean, np.where(variance > (16 * precision.eps * mean) ** 2 + precision.tiny, variance, 0)


def _standardise(R: Float, center: Vector, variance: Vector) -> Vector:
    """(r_ui - center_u) / variance_u^1/2, and 0 where the variance is."""
    scale = np.sqrt(_inverse(variance))[:, None]
    return (R - center[:, None]) * scale


def _inverse(variance: Vector) -> Vector:
    return _ratio(np.ones_like(variance), variance)


def _ratio(numerator: Vector, denominator: Vector) -> Vector:
    """The quotient, 0 where the denominator is."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _is_complete(R: Float, weights: Vector | None) -> bool:
    """Whether nothing is missing of the instances that count."""
    if weights is None:
        return count_missing(R) == 0
    counted = weights > 0
    return not any(np.any(np.isnan(R[:, columns]) & counted[columns]) for columns in column_blocks(R.shape, LARGE))


def _correlation(R: Float, weights: Vector | None, mean: Vector, variance: Vector) -> Vector:
    """Correlation (m, m) of the classifiers, summed, what is missing being at its instance's mean in standard units."""
    varies = variance > 0
    total = np.zeros((len(R), len(R)))
    for columns in column_blocks(R.shape, LARGE):
        standard = _standardise(R[:, columns], mean, variance)
        missing = np.isnan(standard)
        if missing.any():
            standard[missing] = 0
            n_observed = np.count_nonzero(~missing & varies[:, None], axis=0)
            level = standard.sum(axis=0) / np.maximum(n_observed, 1)
            standard = np.where(missing & varies[:, None], level, standard)
        total += (standard if weights is None else standard * weights[columns]) @ standard.T
    return total


def _start(correlation: Vector, variance: Vector, latent_dim: int, floor: float) -> tuple[Vector, Vector]:
    """Factors along the leading eigenvectors of the correlation matrix, four fifths as long, and noise for the rest."""
    values, vectors = np.linalg.eigh(correlation)  # ascending
    d = min(latent_dim, max(np.count_nonzero(variance) - 1, 1))
    X = 0.8 * (vectors * np.sqrt(np.maximum(values, 0))).T[::-1][:d] * np.sqrt(variance)
    return X, np.maximum(variance - np.sum(X**2, axis=0), max(floor, 0.2) * variance)


def _complete_moments(X: Vector, noise: Vector, covariance: Vector) -> tuple[Vector, Vector, float]:
    """What `_core.factor_moments` finds where nothing is missing and the mean is that of the predictions, per instance.

    All instances then have the same V, and y_i = B (r_i - mean) with B = V X diag(1 / noise): the covariance will do.
    The mean of y_i is 0, and that of y_i y_i' (d, d) the same for all classifiers; it comes with that of
    y_i (r_i - mean)' (d, m) and of the log-likelihood.
    """
    precision = _inverse(noise)
    V = np.linalg.inv(np.eye(len(X)) + X * precision @ X.T)
    B = V @ (X * precision)
    cross = B @ covariance
    log_det = np.log(2 * np.pi * noise[noise > 0]).sum() - np.linalg.slogdet(V)[1]
    mahalanobis = np.diag(covariance) @ precision - np.sum(cross * (X * precision))
    return V + cross @ B.T, cross, -0.5 * float(log_det + mahalanobis)


def _orient(X: Vector, noise: Vector) -> Vector:
    """Turn the factors, which the likelihood leaves free, as `FactorModel` says."""
    _, vectors = np.linalg.eigh(X * _inverse(noise) @ X.T)  # ascending
    X = vectors.T[::-1] @ X
    return X * np.where(X.sum(axis=1) < 0, -1, 1)[:, None]


def _posterior(X: Vector, mean: Vector, noise: Vector, R: Float, n_threads: int) -> Float:
    """Expected factors (d, n): the instance step with penalty 1 in units of the noise."""
    factors = (X * np.sqrt(_inverse(noise))).astype(R.dtype)
    counted = ConfidenceRule(per_classifier=(noise > 0).astype(np.float64))
    Y = np.empty((len(X), R.shape[1]), R.dtype)
    for columns in column_blocks(R.shape, LARGE):
        standard = _standardise(R[:, columns], mean, noise).astype(R.dtype)
        Y[:, columns], _ = _core.instance_step(factors, standard, counted, 1.0, n_threads)
    return Y
