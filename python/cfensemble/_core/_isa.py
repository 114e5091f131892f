"""Which of the extension modules to load: the same kernels, compiled for different instruction sets."""

import os
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

ISAS = ("baseline", "avx2", "avx512")  # best last; CMakeLists.txt tells what each is compiled for


def built() -> tuple[str, ...]:
    """Return the instruction sets that this installation has a module for, best last."""
    return tuple(isa for isa in ISAS if find_spec(_module_name(isa)))


def supported() -> tuple[str, ...]:
    """Return those of them that the processor and the operating system support, best last."""
    cpu_isas = _cpu_isas()
    return tuple(isa for isa in built() if isa in cpu_isas)


def load() -> tuple[str, ModuleType]:
    """Return the instruction set to use, and its module.

    The best one supported, or the one that the environment variable CFENSEMBLE_ISA names.

    Raises
    ------
    ImportError
        If CFENSEMBLE_ISA names one that is unknown, not built, or not supported here.
    """
    usable = supported()
    isa = os.environ.get("CFENSEMBLE_ISA") or usable[-1]
    if isa not in usable:
        raise ImportError(
            f"CFENSEMBLE_ISA is {isa!r}, which cannot be used here: this installation has {', '.join(built())}; the "
            f"processor and operating system support {', '.join(_cpu_isas())}. Name one that is in both lists, or "
            "unset CFENSEMBLE_ISA to use the best."
        )
    return isa, import_module(_module_name(isa))


def _cpu_isas() -> tuple[str, ...]:
    # Only the baseline module may be asked: another could fail before it answers.
    return tuple(import_module(_module_name("baseline")).cpu_isas())


def _module_name(isa: str) -> str:
    return f"{__package__}._{isa}"
