"""The default number of threads follows the environment and threadpoolctl."""

import os
import subprocess
import sys

from cfensemble import _core


def python(code, **environment):
    """What a fresh interpreter prints, with these environment variables."""
    return subprocess.check_output([sys.executable, "-c", code], text=True, env=os.environ | environment).split()


def test_threadpoolctl_sees_the_kernels_runtime_and_limits_it():
    code = """
from threadpoolctl import threadpool_info, threadpool_limits
assert not [pool for pool in threadpool_info() if pool["user_api"] == "openmp"]
from cfensemble import _core
from cfensemble._threads import resolve_threads
print(*[pool["user_api"] for pool in threadpool_info() if pool["user_api"] == "openmp"], _core.max_threads())
with threadpool_limits(1, user_api="openmp"):
    print(_core.max_threads(), resolve_threads(None))
print(_core.max_threads())
"""
    with_openmp = ["openmp", "3", "1", "1", "3"]
    assert python(code, OMP_NUM_THREADS="3") == (with_openmp if _core.build_config()["openmp"] else ["1"] * 4)


def test_the_default_keeps_to_the_environment():
    code = "from cfensemble._threads import resolve_threads; print(resolve_threads(None))"
    assert python(code, OMP_NUM_THREADS="1") == ["1"]


if hasattr(os, "sched_setaffinity"):

    def test_the_default_keeps_to_the_processors_it_may_run_on():
        code = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from cfensemble._threads import resolve_threads
print(resolve_threads(None))
"""
        assert python(code, OMP_NUM_THREADS="4") == ["1"]
