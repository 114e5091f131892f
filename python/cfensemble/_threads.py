"""How many threads a kernel may use."""

import os
from functools import cache

from cfensemble import _core
from cfensemble._validation import integer

MOST_THREADS = 1024  # the kernels' own limit; more are surely a mistake


def resolve_threads(n_threads: int | None) -> int:
    """Return `n_threads`, or for None the smallest of CPU affinity, cgroup quota and OpenMP's own limit.

    OpenMP's limit is OMP_NUM_THREADS, or what threadpoolctl has set.
    """
    if n_threads is not None:
        return integer(n_threads, "n_threads", 1, MOST_THREADS)
    return min(_available_cpus(), _core.max_threads())


def in_forked_child() -> bool:
    """Whether this process was forked since this module was loaded: thread teams of the parent do not exist here."""
    return os.getpid() != _LOADED_IN


_LOADED_IN = os.getpid()


@cache
def _available_cpus() -> int:
    from joblib import cpu_count  # comes with scikit-learn; knows affinity and cgroups

    return int(cpu_count())
