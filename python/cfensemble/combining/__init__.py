"""The combiner that has nothing to be set."""

from cfensemble.combining.combiner import Combiner, combine

__all__ = ["Combiner", "combine"]
