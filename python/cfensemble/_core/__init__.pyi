from collections.abc import Sequence
from typing import Literal, TypedDict

from cfensemble._core._isa import supported as supported
from cfensemble._typing import Float, Indices, Mask, Supervision, Vector
from cfensemble.data.confidence_rule import Confidence

isa: str  # which module these come from: the last of supported(), or what CFENSEMBLE_ISA asks for

class BuildConfig(TypedDict):
    compiler: str
    eigen: str
    openmp: bool

def instance_step(
    X: Float,
    R: Float,
    C: Confidence | None,
    lambda_reg: float,
    n_threads: int,
    form: Literal["primal", "dual"] | None = None,
) -> tuple[Float, int]: ...
def sweep(
    X: Float,
    R: Float,
    C: Confidence | None,
    lambda_reg: float,
    Y: Float,
    supervision: Supervision | None,
    n_threads: int,
    sample_weight: Vector | None = None,
) -> tuple[Vector, Vector, float, int, float, Vector | None]: ...
def joint_sweep(
    X: Float,
    R: Float,
    C: Confidence | None,
    lambda_reg: float,
    rho: float,
    Y: Float,
    supervision: Supervision | None,
    logistic: bool,
    n_threads: int,
    sample_weight: Vector | None = None,
) -> tuple[float, float, Vector, Vector, Vector, Vector, int]: ...
def apply_inverse_curvature(
    gram: Vector,
    curvature: Vector,
    X: Vector,
    w: Vector,
    prior: Vector,
    lambda_reg: float,
    rho: float,
    learns: bool,
    gradient_X: Vector,
    gradient_theta: Vector,
    n_threads: int,
) -> tuple[Vector, Vector]: ...
def classifier_moments(
    Y: Float, R: Float, C: Confidence | None, n_threads: int, sample_weight: Vector | None = None
) -> tuple[Vector, Vector]: ...
def has_weight(R: Float, C: Confidence | None, n_threads: int) -> Mask: ...
def classifier_step(
    gram: Vector, rhs: Vector, lambda_reg: float, balance: bool, n_threads: int
) -> tuple[Vector, int]: ...
def weighted_residual(
    X: Float, Y: Float, R: Float, C: Confidence | None, n_threads: int, sample_weight: Vector | None = None
) -> float: ...
def factor_moments(
    X: Vector, mean: Vector, noise: Vector, R: Float, n_threads: int, sample_weight: Vector | None = None
) -> tuple[Vector, Vector, float]: ...
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

class Mixture:
    def __init__(
        self,
        X: Vector,
        mean: Vector,
        noise: Vector,
        curves: Sequence[tuple[Vector, Vector]],
        aggregators: Sequence[tuple[Vector, Vector]],
        clip: float,
        base_rate: float,
    ) -> None: ...
    def predict(self, R: Float, n_threads: int) -> Vector: ...

def predict(X: Float, Y: Float, w: Vector, b: float, n_threads: int) -> Float: ...
def build_config() -> BuildConfig: ...
def max_threads() -> int: ...
def cpu_isas() -> list[str]: ...  # what processor and operating system support, best last
