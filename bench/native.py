"""The compiled modules, one per instruction set, imported side by side."""

from functools import cache
from importlib import import_module
from types import ModuleType

from cfensemble import _core


@cache
def levels() -> dict[str, ModuleType]:
    """Return the modules that this processor can run, by the name of their instruction set, the best one last."""
    return {name: import_module(f"cfensemble._core._{name}") for name in _core.supported()}


def best_level() -> str:
    return list(levels())[-1]
