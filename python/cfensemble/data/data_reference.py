"""Which data a model was fitted to, without keeping them."""

import weakref
from typing import Any

from cfensemble.data.ensemble_data import EnsembleData


class DataReference:
    """A weak reference to data; a copy of it, a pickled one included, refers to none.

    Parameters
    ----------
    data : EnsembleData, optional
        What it refers to; default nothing.
    """

    def __init__(self, data: EnsembleData | None = None) -> None:
        self._data = None if data is None else weakref.ref(data)

    def __call__(self) -> EnsembleData | None:
        """Return the data, as long as they exist."""
        return None if self._data is None else self._data()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()
