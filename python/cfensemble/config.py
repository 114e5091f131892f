"""How this installation was built and what it uses here."""

from cfensemble import __version__, _core
from cfensemble._threads import resolve_threads


def show_config() -> dict[str, object]:
    """Return version, compiler, Eigen's version, whether kernels run in parallel, and on how many threads."""
    return {"version": __version__, **_core.build_config(), "n_threads": resolve_threads(None)}
