"""The machine's own multiply-add peak, measured by a loop that works on registers alone."""

import ctypes
import os
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier
from time import perf_counter

import numpy as np
from problem import N_THREADS

FLAGS = {
    "baseline": ["-DVECTOR_BYTES=16"],
    "avx2": ["-DVECTOR_BYTES=32", "-mavx2", "-mfma"],
    "avx512": ["-DVECTOR_BYTES=64", "-mavx512f"],
}
SECONDS = 0.012
"""How long a measurement takes."""


def peak_name(level: str, dtype: str, n_threads: int) -> str:
    return f"{level} {dtype}, {n_threads} thread{'s' if n_threads > 1 else ''}"


@dataclass(frozen=True)
class Loop:
    """A compiled loop and how many of its steps make a measurement."""

    run: Callable[[int], float]
    flops_per_step: int
    steps: int


class PeakMeter:
    """Measures the peak of every level, precision and number of threads.

    Attributes
    ----------
    measured : dict
        Everything measured so far, GFLOP/s by `peak_name`.
    """

    def __init__(self, levels: Iterable[str]) -> None:
        self.loops: dict[tuple[str, str], Loop] = {}
        with TemporaryDirectory() as folder:
            for level in levels:
                library = _compile(level, Path(folder) / f"{level}.so")
                for dtype in ("float64", "float32"):
                    self.loops[level, dtype] = _load(library, dtype)
        self.measured: dict[str, list[float]] = {}
        self.workers = ThreadPoolExecutor(N_THREADS)

    def measure(self) -> dict[str, float]:
        """GFLOP/s by `peak_name`, all measured anew."""
        peaks = {
            peak_name(level, dtype, n_threads): self._gflops(loop, n_threads)
            for (level, dtype), loop in self.loops.items()
            for n_threads in range(1, N_THREADS + 1)
        }
        for name, gflops in peaks.items():
            self.measured.setdefault(name, []).append(gflops)
        return peaks

    def _gflops(self, loop: Loop, n_threads: int) -> float:
        barrier = Barrier(n_threads)

        def work() -> tuple[float, float]:
            barrier.wait()
            begin = perf_counter()
            loop.run(loop.steps)
            return begin, perf_counter()

        spans = [worker.result() for worker in [self.workers.submit(work) for _ in range(n_threads)]]
        begins, ends = np.transpose(spans)
        return n_threads * loop.steps * loop.flops_per_step / 1e9 / float(ends.max() - begins.min())


def compiler() -> str:
    """Return the C++ compiler: $CXX, or c++."""
    return os.environ.get("CXX", "c++")


def _compile(level: str, library: Path) -> ctypes.CDLL:
    source = Path(__file__).with_suffix(".cpp")
    options = ["-O3", "-std=c++17", "-ffp-contract=fast", "-shared", "-fPIC", *FLAGS[level]]
    subprocess.run([*compiler().split(), *options, str(source), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library))


def _load(library: ctypes.CDLL, dtype: str) -> Loop:
    run = getattr(library, f"multiply_add_{dtype}")
    run.argtypes, run.restype = [ctypes.c_int64], ctypes.c_double
    steps = 100_000
    run(steps)  # wakes the vector units up
    begin = perf_counter()
    run(steps)
    steps = int(steps * SECONDS / (perf_counter() - begin))
    return Loop(run, getattr(library, f"flops_per_step_{dtype}")(), steps)
