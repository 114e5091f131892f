"""Floating-point operations of the steps; a multiply-add is two.

All are those of the plain algorithm, whatever a contender does: the lower triangle of a Gram matrix, one Cholesky
factorisation and two triangular solves. So GFLOP/s of different contenders compare like their times.
"""

from problem import Shape


def instance_step(shape: Shape) -> float:
    """Primal, per instance: matrix and right-hand side m (d (d + 1) + 2 d), factor d^3 / 3, solves 2 d^2."""
    m, d, n = shape
    return n * (m * (d * (d + 1) + 2 * d) + d**3 / 3 + 2 * d**2)


def dual_instance_step(shape: Shape) -> float:
    """Dual, per instance: matrix scaled m (m + 1), factor m^3 / 3, solves 2 m^2, back to factors 2 m d."""
    m, d, n = shape
    return n * (m * (m + 1) + m**3 / 3 + 2 * m**2 + 2 * m * d)


def classifier_step(shape: Shape) -> float:
    """m n (d (d + 1) + 2 d): matrices and right-hand sides; their m solves are left out, being so few."""
    m, d, n = shape
    return m * n * (d * (d + 1) + 2 * d)


def iteration(shape: Shape) -> float:
    """Both half-steps, the instances' in its primal form."""
    return instance_step(shape) + classifier_step(shape)
