"""How this installation was built and what it uses here."""

from cfensemble import __version__, _core
from cfensemble._threads import resolve_threads


def show_config() -> dict[str, object]:
    """Return how this installation was built and what it uses here.

    Returns
    -------
    dict
        - version: cfensemble's own.
        - compiler, eigen: what the kernels were built with.
        - openmp: whether they can run on several threads.
        - n_threads: how many they use by default.
        - isa: the instruction set of the kernels in use, 'baseline', 'avx2' or 'avx512'.
        - isas: those that can be used here, best last. The best is used unless the environment variable CFENSEMBLE_ISA
          names another when cfensemble is imported.
    """
    return {
        "version": __version__,
        **_core.build_config(),
        "n_threads": resolve_threads(None),
        "isa": _core.isa,
        "isas": _core.supported(),
    }
