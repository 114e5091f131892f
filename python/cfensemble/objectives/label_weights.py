"""omega: what each labelled instance counts in the supervised loss."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from cfensemble._typing import Indices, Mask, Vector
from cfensemble._validation import label_vector, number, reject_first

WeightSchedule = Callable[[int], float] | Literal["ramp"] | None


@dataclass(frozen=True)
class LabelledInstances:
    """The labelled columns as the kernels take them."""

    columns: Indices  # (n_labeled,)
    labels: Vector  # (n_labeled,), 1 or 0
    weights: Vector  # (n_labeled,), omega >= 0

    @classmethod
    def of(
        cls, labels: ArrayLike, mask: Mask, use_class_weights: bool, sample_weight: Vector | None = None
    ) -> "LabelledInstances":
        """Those in the mask (n,), of the labels (n,), class-weighted or not, each as often as it counts."""
        columns = np.flatnonzero(mask)
        y = label_vector(labels, len(mask))[columns]
        if np.isnan(y).any():
            raise ValueError(f"labels[{columns[np.argmax(np.isnan(y))]}] is NaN, but labeled_idx says it is labelled")
        counts = np.ones(len(y)) if sample_weight is None else sample_weight[columns]
        return cls(columns, y, counts * class_weights(y, counts) if use_class_weights else counts)


def class_weights(y: Vector, counts: Vector | None = None) -> Vector:
    """Weights (n_labeled,) that give both classes the same sum: n_labeled / (2 count); all 1 for a single class.

    An instance that counts c times gets c times the weight, in the sums that are to be equal and by its caller.
    """
    n = len(y) if counts is None else float(counts.sum())
    n_positive = np.count_nonzero(y) if counts is None else float(counts[y == 1].sum())
    n_negative = n - n_positive if counts is None else float(counts[y == 0].sum())
    if n_positive == 0 or n_negative == 0:
        return np.ones(len(y))
    return np.where(y == 1, n / (2 * n_positive), n / (2 * n_negative))


@dataclass(frozen=True)
class LabelWeighting:
    """How omega is made, and how it changes over the iterations of a fit.

    Parameters
    ----------
    use_class_weights : bool
        Both classes get the same total weight.
    class_weight : mapping {0: a, 1: b}, optional
        Costs > 0 of an error on each class; replaces `use_class_weights`.
    instance_weight : ndarray of shape (n,), optional
        Cost >= 0 of each instance, a further factor.
    cost : {None, 'confidence'}
        'confidence' multiplies by 1 - |2 p_i - 1|, p the previous iteration's predictions: what is already decided
        counts less (unless everything is).
    weight_schedule : callable, 'ramp' or None
        Maps the iteration (from 0) to the share in [0, 1] of the full weights, the rest being uniform; 'ramp' rises
        linearly over the first half of the iterations; None is always 1.
    """

    use_class_weights: bool = True
    class_weight: Mapping[int, float] | None = None
    instance_weight: Vector | None = None
    cost: Literal["confidence"] | None = None
    weight_schedule: WeightSchedule = None

    def __post_init__(self) -> None:
        if self.class_weight is not None:
            if not isinstance(self.class_weight, Mapping) or set(self.class_weight) != {0, 1}:
                raise ValueError(
                    f"class_weight must map 0 and 1 to weights, got {self.class_weight!r}; balanced ones are "
                    "use_class_weights=True"
                )
            if not all(number(value, f"class_weight[{key}]", 0) > 0 for key, value in self.class_weight.items()):
                raise ValueError(f"class_weight must be positive, got {dict(self.class_weight)!r}")
        if self.instance_weight is not None:
            weight = np.asarray(self.instance_weight, np.float64)
            if weight.ndim != 1:
                raise ValueError(f"instance_weight must be 1-D, one value per instance, got shape {weight.shape}")
            reject_first(weight, ~(np.isfinite(weight) & (weight >= 0)), "instance_weight", "costs are finite and >= 0")
            object.__setattr__(self, "instance_weight", weight)
        if self.cost not in (None, "confidence"):
            raise ValueError(f"cost must be None or 'confidence', got {self.cost!r}")
        if not (self.weight_schedule in (None, "ramp") or callable(self.weight_schedule)):
            raise ValueError(f"weight_schedule must be None, 'ramp' or callable, got {self.weight_schedule!r}")

    def omega(
        self,
        y: Vector,
        columns: Indices,
        iteration: int,
        max_iter: int,
        previous: Vector | None,
        counts: Vector | None = None,
    ) -> Vector:
        """Weights (n_labeled,) for an iteration; `previous` holds its predecessor's predictions at `columns`.

        Each instance counts as often as `counts` (n_labeled,) says, by default once.
        """
        if self.class_weight is not None:
            full = np.where(y == 1, float(self.class_weight[1]), float(self.class_weight[0]))
        elif self.use_class_weights:
            full = class_weights(y, counts)
        else:
            full = np.ones(len(y))
        if self.instance_weight is not None:
            full = full * self.instance_weight[columns]
        if self.cost == "confidence" and previous is not None:
            undecided = full * (1 - np.abs(2 * previous - 1))
            full = undecided if undecided.any() else full  # once all are decided there is nothing to choose from
        share = self._share(iteration, max_iter)
        omega = share * full + (1 - share)
        if not omega.sum() > 0:
            raise ValueError("instance_weight is 0 on every labelled instance: there is nothing to learn from")
        return omega if counts is None else omega * counts

    @property
    def needs_predictions(self) -> bool:
        """Whether omega depends on the previous iteration's predictions."""
        return self.cost is not None

    @property
    def is_constant(self) -> bool:
        """Whether omega is the same in every iteration."""
        return self.cost is None and self.weight_schedule is None

    def is_changing(self, iteration: int, max_iter: int) -> bool:
        """Whether the schedule has given this iteration other weights than its predecessor."""
        return iteration > 0 and self._share(iteration, max_iter) != self._share(iteration - 1, max_iter)

    def _share(self, iteration: int, max_iter: int) -> float:
        if self.weight_schedule is None:
            return 1.0
        if self.weight_schedule == "ramp":
            return min(1.0, 2 * iteration / max_iter)
        return number(self.weight_schedule(iteration), f"weight_schedule({iteration})", 0, 1)
