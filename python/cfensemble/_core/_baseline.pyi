from typing import TypedDict

from cfensemble._typing import Float, Indices, Vector

class BuildConfig(TypedDict):
    compiler: str
    eigen: str
    openmp: bool

def instance_step(X: Float, R: Float, C: Float | None, lambda_reg: float, n_threads: int) -> tuple[Float, int]: ...
def sweep(
    X: Float, R: Float, C: Float | None, lambda_reg: float, n_threads: int
) -> tuple[Float, Vector, Vector, float, int]: ...
def classifier_moments(Y: Float, R: Float, C: Float | None, n_threads: int) -> tuple[Vector, Vector]: ...
def classifier_step(
    gram: Vector, rhs: Vector, lambda_reg: float, balance: bool, n_threads: int
) -> tuple[Vector, int]: ...
def weighted_residual(X: Float, Y: Float, R: Float, C: Float | None, n_threads: int) -> float: ...
def aggregator_loss(
    X: Float,
    Y: Float,
    w: Vector,
    b: float,
    columns: Indices,
    labels: Vector,
    weights: Vector,
    focal_gamma: float,
    with_hessian: bool,
    n_threads: int,
) -> tuple[float, Vector, Vector | None]: ...
def predict(X: Float, Y: Float, w: Vector, b: float, n_threads: int) -> Float: ...
def build_config() -> BuildConfig: ...
def max_threads() -> int: ...
