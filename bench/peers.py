"""Other libraries' ways to make the same ALS iteration.

The solvers by conjugate gradients are checked with as many steps as they like to make, and timed with the 3 that are
the default of both.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
import scipy.sparse
from blocked_numpy import BLOCKS, blocks, fastest
from contender import Contender, limit_blas, stopwatch
from problem import LAMBDA, N_THREADS, Problem

from cfensemble._typing import Float

ENOUGH_CG_STEPS = 1000


class TorchCholesky(Contender):
    """The same blocks as in NumPy, their systems solved by batched Cholesky factorisation."""

    name = "torch batched Cholesky"

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        import torch

        torch.set_num_threads(N_THREADS)
        self.torch = torch
        self.R, self.C, self.start = (torch.from_numpy(values) for values in (problem.R, problem.C, problem.Y))
        self.X, self.Y = torch.from_numpy(problem.X), self.start
        self.instance_block = fastest(lambda block: self.instance_half(self.X, block), BLOCKS)
        self.block = fastest(lambda block: self.classifier_half(self.start, block), BLOCKS)

    def iterate(self) -> None:
        self.X = self.classifier_half(self.start, self.block)
        self.Y = self.instance_half(self.X, self.instance_block)

    def factors(self) -> tuple[Float, Float]:
        return self.X.numpy(), self.Y.numpy()

    def instance_half(self, X: Any, block: int) -> Any:
        d, m = X.shape
        products = (X[:, None] * X).reshape(d * d, m).T
        Y = self.torch.empty(d, self.R.shape[1], dtype=X.dtype)
        for columns in blocks(self.R.shape[1], block):
            c = self.C[:, columns]
            Y[:, columns] = self.solve(c.T @ products, (c * self.R[:, columns]).T @ X.T).T
        return Y

    def classifier_half(self, Y: Any, block: int) -> Any:
        (m, n), d = self.R.shape, Y.shape[0]
        gram, rhs = Y.new_zeros(m, d * d), Y.new_zeros(m, d)
        for columns in blocks(n, block):
            y, c = Y[:, columns], self.C[:, columns]
            gram += c @ (y[:, None] * y).reshape(d * d, -1).T
            rhs += (c * self.R[:, columns]) @ y.T
        return self.solve(gram, rhs).T

    def solve(self, gram: Any, rhs: Any) -> Any:
        d = rhs.shape[1]
        gram[:, :: d + 1] += LAMBDA
        factor = self.torch.linalg.cholesky(gram.reshape(-1, d, d))
        return self.torch.cholesky_solve(rhs[:, :, None], factor)[:, :, 0]


class Cmfrec(Contender):
    """cmfrec's CMF without biases and centring: dense predictions and weights, and the penalty is ours.

    It draws its own start, which a fit of no iterations shows. The time of one iteration is a third of what a fit of
    four takes longer than a fit of one: what is done once per fit does not count. Its conjugate gradients end where
    the residual's norm falls below 1e-4, hence the tolerance.
    """

    blas_threads: ClassVar[int] = 1

    def __init__(self, problem: Problem, use_cg: bool) -> None:
        from cmfrec import CMF

        self.name = f"cmfrec {'CG' if use_cg else 'Cholesky'}"
        self.tolerance = 5e-2 if use_cg else 1e-10
        self.options = {
            "k": problem.shape[1],
            "lambda_": LAMBDA,
            "use_cg": use_cg,
            "finalize_chol": False,  # the last iteration is no other than the others
            "user_bias": False,
            "item_bias": False,
            "center": False,
            "precompute_for_predictions": False,
            "use_float": False,
            "nthreads": N_THREADS,
        }
        self.make_model: Callable[..., Any] = CMF
        # Instances are its users, since it starts from the users' factors.
        self.R, self.C = np.ascontiguousarray(problem.R.T), np.ascontiguousarray(problem.C.T)
        self.model: Any = None
        super().__init__(replace(problem, Y=self.fit(0).A_.T))

    def fit(self, n_iterations: int, **options: Any) -> Any:
        return self.make_model(niter=n_iterations, **(self.options | options)).fit(self.R, W=self.C)

    def iterate(self) -> None:
        self.model = self.fit(1)

    def converge(self) -> None:
        self.model = self.fit(1, max_cg_steps=ENOUGH_CG_STEPS)

    def elapse(self) -> float:
        one, four = stopwatch(lambda: self.fit(1)), stopwatch(lambda: self.fit(4))
        return (four() - one()) / 3

    def factors(self) -> tuple[Float, Float]:
        return self.model.B_.T, self.model.A_.T


class Implicit(Contender):
    """implicit's solvers on the one problem that is theirs and ours: every prediction is 1, the weights are the same.

    An entry that its matrix does not store would be a prediction of 0 with weight 1, so all are stored. It keeps
    weights in single precision, so that ours are rounded to it. Its conjugate gradients end where the residual's norm
    falls below 1e-10, hence the tolerance.
    """

    blas_threads: ClassVar[int] = 1

    def __init__(self, problem: Problem, use_cg: bool) -> None:
        from implicit.als import AlternatingLeastSquares

        C = problem.C.astype(np.float32)
        super().__init__(replace(problem, R=np.ones_like(problem.R), C=C.astype(np.float64)))
        m, n = C.shape
        indices = np.tile(np.arange(n, dtype=np.int32), m), np.arange(m + 1, dtype=np.int32) * n
        self.by_classifier = scipy.sparse.csr_matrix((C.ravel(), *indices), C.shape)
        self.by_instance = self.by_classifier.T.tocsr()
        self.name = f"implicit {'CG' if use_cg else 'Cholesky'}"
        self.tolerance = 1e-7 if use_cg else 1e-10
        with limit_blas(self.blas_threads):  # or it warns
            self.model: Any = AlternatingLeastSquares(problem.shape[1], use_cg=use_cg, dtype=np.float64)
        self.reset()

    def reset(self) -> None:
        self.X, self.Y = (np.ascontiguousarray(start.T) for start in (self.problem.X, self.problem.Y))

    def iterate(self) -> None:
        solve = self.model.solver
        solve(self.by_classifier, self.X, self.Y, LAMBDA, num_threads=N_THREADS)
        solve(self.by_instance, self.Y, self.X, LAMBDA, num_threads=N_THREADS)

    def converge(self) -> None:
        self.model.cg_steps, steps = ENOUGH_CG_STEPS, self.model.cg_steps
        self.iterate()
        self.model.cg_steps = steps

    def factors(self) -> tuple[Float, Float]:
        return self.X.T, self.Y.T


_PEERS: dict[str, list[Callable[[Problem], Contender]]] = {
    "torch": [TorchCholesky],
    "cmfrec": [partial(Cmfrec, use_cg=False), partial(Cmfrec, use_cg=True)],
    "implicit": [partial(Implicit, use_cg=False), partial(Implicit, use_cg=True)],
}


def peers() -> tuple[list[Callable[[Problem], Contender]], list[str]]:
    """Return those whose library can be imported, and a line for each library that cannot."""
    found: list[Callable[[Problem], Contender]] = []
    missing = []
    for module, contenders in _PEERS.items():
        try:
            import_module(module)
        except ImportError as error:
            missing.append(f"{module} is not measured: {error}")
        else:
            found += contenders
    return found, missing
