"""What takes part in a comparison."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from time import perf_counter
from typing import ClassVar

import numpy as np
from native import best_level
from peak import peak_name
from problem import N_THREADS, Problem
from threadpoolctl import ThreadpoolController

from cfensemble._typing import Float


class Contender(ABC):
    """One implementation of one full ALS iteration: X given Y, then Y given X.

    Attributes
    ----------
    problem : Problem
        What it starts from. Contenders that cannot take that as given have their own variant of the common one.
    tolerance : float
        How far its factors may be from the definition's, relative to the largest entry.
    blas_threads : int
        Threads for BLAS: one, where a contender has its own threads.
    peak : str
        The peak that it is compared with, by `peak_name`.
    """

    name: str
    peak: str = peak_name(best_level(), "float64", N_THREADS)
    tolerance: float = 1e-10
    blas_threads: ClassVar[int] = N_THREADS

    def __init__(self, problem: Problem) -> None:
        self.problem = problem

    def reset(self) -> None:  # noqa: B027  most have nothing to put back
        """Put back what an iteration overwrites; not timed."""

    @abstractmethod
    def iterate(self) -> None:
        """Make one iteration."""

    def converge(self) -> None:
        """Make one iteration without stopping early: how those that only approximate it are checked."""
        self.iterate()

    @abstractmethod
    def factors(self) -> tuple[Float, Float]:
        """Return X (d, m) and Y (d, n) after an iteration."""

    def seconds(self) -> float:
        """Return how long an iteration takes."""
        self.reset()
        with limit_blas(self.blas_threads):
            return self.elapse()

    def elapse(self) -> float:
        """Make an iteration and return how long that took."""
        return stopwatch(self.iterate)()

    def check(self, expected: tuple[Float, Float]) -> float:
        """Return how far an iteration's factors are from those expected, relative to the largest entry.

        Raises
        ------
        AssertionError
            Where that of a converged iteration is more than the tolerance.
        """
        with limit_blas(self.blas_threads):
            self.reset()
            self.converge()
            assert_close(self.name, self.factors(), expected, self.tolerance)
            self.reset()
            self.iterate()
        return max(deviation(*pair) for pair in zip(self.factors(), expected, strict=True))


def stopwatch(step: Callable[[], object]) -> Callable[[], float]:
    """Return a function that takes a step and returns the seconds that it took."""

    def seconds() -> float:
        begin = perf_counter()
        step()
        return perf_counter() - begin

    return seconds


def assert_close(name: str, results: tuple[Float, ...], expected: tuple[Float, ...], tolerance: float) -> None:
    """Raise an AssertionError where a result deviates from what is expected by more than the tolerance."""
    for result, definition in zip(results, expected, strict=True):
        off_by = deviation(result, definition)
        if not off_by <= tolerance:
            raise AssertionError(f"{name} is off by {off_by:.1e} of the largest entry; allowed are {tolerance:.0e}")


def deviation(result: Float, definition: Float) -> float:
    """Return the largest difference, relative to the definition's largest entry."""
    return float(np.abs(result - definition).max() / np.abs(definition).max())


def limit_blas(n_threads: int) -> AbstractContextManager[object]:
    """Return a context in which BLAS uses so many threads."""
    return _controller().limit(limits=n_threads, user_api="blas")


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
