"""Objects that are part of a model file: classes declare what their objects are made of, field by field."""

import inspect
from collections.abc import Collection
from typing import Any

from cfensemble.persistence.fields import Field, Json, Plain
from cfensemble.persistence.record import Record


class Saved:
    """Mixin of what can be part of a model file: a class declares there what its objects are made of.

    By default fields are attributes, and an object is made by handing all of them to the class.
    """

    @classmethod
    def _fields(cls) -> dict[str, Field]:
        """Return the fields by name; by default the parameters, which hold plain values."""
        return dict.fromkeys(parameter_names(cls), Plain())

    def _state(self) -> dict[str, Any]:
        """Return the fields' values."""
        return {name: getattr(self, name) for name in self._fields()}

    @classmethod
    def _from_state(cls, state: dict[str, Any]) -> Any:
        """Make an object from the fields' values; TypeError or ValueError where they do not suit each other."""
        return cls(**state)


def parameter_names(cls: type) -> list[str]:
    """Return the names of the parameters that a class is constructed with."""
    return list(inspect.signature(cls).parameters)


def split_parameters(cls: type, state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return those of the values that are parameters of the class, and the others."""
    names = parameter_names(cls)
    return (
        {name: value for name, value in state.items() if name in names},
        {name: value for name, value in state.items() if name not in names},
    )


def write_object(value: Saved, record: Record) -> dict[str, Json]:
    """Write an object's fields and return those parts that are no arrays."""
    state = value._state()
    return {name: field.write(state[name], name, record) for name, field in value._fields().items()}


def read_object(cls: type[Saved], node: dict[str, Json], record: Record) -> Any:
    """Make an object of that class from what `write_object` left."""
    fields = cls._fields()
    for name in fields.keys() - node.keys():
        raise ValueError(f"{record.path(name)} is missing")
    for name in node.keys() - fields.keys():
        raise ValueError(f"{record.path(name)} is unknown here")
    state = {name: field.read(node[name], name, record) for name, field in fields.items()}
    try:
        return cls._from_state(state)
    except (TypeError, ValueError) as error:
        place = record.path("")
        raise ValueError(f"{place.rstrip('.')}: {error}" if place else str(error)) from error


class Part(Field):
    """An object of one of several classes, which has fields of its own.

    Parameters
    ----------
    *classes : type
        Those that it may be of, subclasses of `Saved`; subclasses of theirs are others.
    share : collection of str, default=()
        Names of axes that are the same in the object it is a part of.
    """

    def __init__(self, *classes: type[Saved], share: Collection[str] = ()) -> None:
        self.classes, self.share = {cls.__name__: cls for cls in classes}, share

    def write(self, value: Any, name: str, record: Record) -> Json:
        """Write its fields."""
        kind = type(value).__name__
        if self.classes.get(kind) is not type(value):
            raise TypeError(
                f"{record.path(name)}={value!r} cannot be written to a file: of what may be there, only "
                f"{', '.join(self.classes)} can, not {type(value).__module__}.{type(value).__qualname__}"
            )
        return {"class": kind} | write_object(value, record.part(name, self.share))

    def read(self, node: Json, name: str, record: Record) -> Any:
        """Make the object from its fields."""
        path = record.path(name)
        if not isinstance(node, dict) or "class" not in node:
            raise ValueError(f"{path} must be an object with a class, got {node!r}")
        kind = node["class"]
        if not isinstance(kind, str) or kind not in self.classes:
            raise ValueError(f"{path} has the unknown class {kind!r}; known ones are {', '.join(self.classes)}")
        rest = {key: value for key, value in node.items() if key != "class"}
        return read_object(self.classes[kind], rest, record.part(name, self.share))


class OrPlain(Field):
    """A plain value, or what another field may hold, an object."""

    def __init__(self, field: Part) -> None:
        self.field = field

    def write(self, value: Any, name: str, record: Record) -> Json:
        """Write it as what it is."""
        field = Plain() if value is None or isinstance(value, bool | int | float | str) else self.field
        return field.write(value, name, record)

    def read(self, node: Json, name: str, record: Record) -> Any:
        """Read it as what it is."""
        return (self.field if isinstance(node, dict) else Plain()).read(node, name, record)
