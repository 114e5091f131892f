"""Where the fields of one object are written to and read from."""

from collections.abc import Collection
from typing import Any, Self

from numpy.typing import NDArray


class Record:
    """The place of one object in a model file.

    Parameters
    ----------
    tensors : dict of str to ndarray
        The arrays of the whole file, by their path: names of fields with dots in between.
    path : str, default=''
        Where the object is; '' is the model itself.
    outer : Record, optional
        That of the object it is a part of.
    shared : collection of str
        Sizes that are the outer object's as well.
    """

    def __init__(
        self,
        tensors: dict[str, NDArray[Any]],
        path: str = "",
        outer: Self | None = None,
        shared: Collection[str] = (),
    ) -> None:
        self.tensors = tensors
        self._path, self._outer, self._shared = path, outer, shared
        self._known: dict[str, Any] = {}

    def path(self, name: str) -> str:
        """Return the path of the object's field of that name."""
        return f"{self._path}.{name}" if self._path else name

    def part(self, name: str, shared: Collection[str]) -> "Record":
        """Return the record of the part that the field of that name holds."""
        return Record(self.tensors, self.path(name), self, shared)

    def agree(self, name: str, value: Any) -> Any:
        """Take the value of a size, or of another thing that arrays have in common, and return what it was before."""
        if self._outer is not None and name in self._shared:
            return self._outer.agree(name, value)
        return self._known.setdefault(name, value)
