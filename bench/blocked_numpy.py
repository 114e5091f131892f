"""An ALS iteration in NumPy at its best: matrix products for all Gram matrices of a block, and batched solves.

The matrices of all instances are one product, weights (n, m) times the products x_uj x_uk (m, d^2), and likewise those
of all classifiers. The second factor of the latter is formed a block at a time, and so is the result of the former.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from time import perf_counter
from typing import TypeVar

import numpy as np
from contender import Contender
from problem import LAMBDA, Problem

from cfensemble._typing import Float, Indices

BLOCKS = (128, 512, 2048, 8192)
"""Instances per block, to choose from."""

Candidate = TypeVar("Candidate")


class BlockedNumpy(Contender):
    """Block size, and for the instances full or packed matrix products, are those that are fastest here."""

    name = "blocked NumPy"

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.X, self.Y = problem.X, problem.Y
        R, C = problem.R, problem.C
        self.block = fastest(lambda block: classifier_half(problem.Y, R, C, LAMBDA, block), BLOCKS)
        self.instance_block, self.packed = fastest(
            lambda choice: instance_half(problem.X, R, C, LAMBDA, *choice), product(BLOCKS, (False, True))
        )

    def iterate(self) -> None:
        R, C = self.problem.R, self.problem.C
        self.X = classifier_half(self.problem.Y, R, C, LAMBDA, self.block)
        self.Y = instance_half(self.X, R, C, LAMBDA, self.instance_block, self.packed)

    def factors(self) -> tuple[Float, Float]:
        return self.X, self.Y


def fastest(run: Callable[[Candidate], object], candidates: Iterable[Candidate]) -> Candidate:
    """Return the candidate with which the better of two runs takes least time."""

    def seconds(candidate: Candidate) -> float:
        begin = perf_counter()
        run(candidate)
        return perf_counter() - begin

    return min(candidates, key=lambda candidate: min(seconds(candidate), seconds(candidate)))


def blocks(n: int, size: int) -> Iterator[slice]:
    return (slice(begin, min(begin + size, n)) for begin in range(0, n, size))


def instance_half(X: Float, R: Float, C: Float, lambda_reg: float, block: int, packed: bool) -> Float:
    """Y given X; `packed` computes the lower triangles alone and copies them to the upper ones."""
    d, m = X.shape
    lower = np.tril_indices(d)
    x_products = (X[lower[0]] * X[lower[1]] if packed else (X[:, None] * X).reshape(d * d, m)).T
    unpack = _unpacking(d)
    Y = np.empty((d, R.shape[1]))
    for columns in blocks(R.shape[1], block):
        c = C[:, columns]
        gram = c.T @ x_products
        if packed:
            gram = gram[:, unpack]
        gram[:, :: d + 1] += lambda_reg
        rhs = (c * R[:, columns]).T @ X.T
        Y[:, columns] = np.linalg.solve(gram.reshape(-1, d, d), rhs[:, :, None])[:, :, 0].T
    return Y


def classifier_half(Y: Float, R: Float, C: Float, lambda_reg: float, block: int) -> Float:
    """X given Y."""
    (m, n), d = R.shape, len(Y)
    gram, rhs = np.zeros((m, d * (d + 1) // 2)), np.zeros((m, d))
    y_products = np.empty((gram.shape[1], block))
    for columns in blocks(n, block):
        y, c = Y[:, columns], C[:, columns]
        for j in range(d):
            row = j * (j + 1) // 2
            np.multiply(y[j], y[: j + 1], out=y_products[row : row + j + 1, : y.shape[1]])
        gram += c @ y_products[:, : y.shape[1]].T
        rhs += (c * R[:, columns]) @ y.T
    full = gram[:, _unpacking(d)]
    full[:, :: d + 1] += lambda_reg
    return np.linalg.solve(full.reshape(m, d, d), rhs[:, :, None])[:, :, 0].T


def _unpacking(d: int) -> Indices:
    """Where in the packed lower triangle each entry (d^2,) of the full matrix is."""
    full = np.empty((d, d), np.int64)
    full[np.tril_indices(d)] = full.T[np.tril_indices(d)] = np.arange(d * (d + 1) // 2)
    return full.ravel()
