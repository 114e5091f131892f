"""The combiners that have nothing to be set."""

from cfensemble.combining.combiner import Combiner, combine
from cfensemble.combining.multiclass import MulticlassCombiner

__all__ = ["Combiner", "MulticlassCombiner", "combine"]
