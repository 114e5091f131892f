"""How much memory a fit takes beyond its predictions: run by itself it fits once and prints the bytes as JSON.

It takes a process of its own, and Linux.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from outcomes import fit_quietly
from records import Record, Target

from cfensemble._typing import Float
from cfensemble.data import EnsembleData
from cfensemble.optimization import CFEnsembleTrainer

MEGABYTE = 10**6
SHAPE = (50, 20, 400_000)
N_LABELED = 1000
N_ITERATIONS = 3
SLACK = 64 * MEGABYTE


HIGH_WATER_MARK = Path("/proc/self/clear_refs")
"""Where 5 is written to set VmHWM, the most memory that was in use, to what is in use now."""


def measure_memory() -> list[Record]:
    """Return a record of the peak beyond R, none where it cannot be had; it may be the factors, the sums and slack."""
    if not HIGH_WATER_MARK.exists():
        return []
    m, d, n = SHAPE
    result = subprocess.run([sys.executable, __file__], check=True, capture_output=True, text=True)
    sums = (m + 1) * d * (d + 1) / 2 + m * d
    allowed = 8 * (d * (m + n) + sums) + SLACK
    target = Target(allowed / MEGABYTE, "MB", most=True)
    peak = json.loads(result.stdout)["peak_beyond_R"] / MEGABYTE
    return [Record("peak memory of a fit beyond R", SHAPE, value=peak, unit="MB", target=target)]


def main() -> None:
    m, d, n = SHAPE
    rng = np.random.default_rng(0)
    fit(rng.random((m, 1000)), d)  # loads all code, and starts the threads
    R = rng.random((m, n))
    print(json.dumps({"peak_beyond_R": fit(R, d)}))


def fit(R: Float, d: int) -> int:
    """Fit to R; return by how many bytes the memory in use grew at its highest."""
    labels = np.full(R.shape[1], np.nan)
    labels[:N_LABELED] = R[0, :N_LABELED] > 0.5
    data = EnsembleData(R, labels)
    trainer = CFEnsembleTrainer(latent_dim=d, max_iter=N_ITERATIONS, tol=0)
    HIGH_WATER_MARK.write_text("5")
    before = status("VmRSS")
    fit_quietly(trainer, data)
    return status("VmHWM") - before


def status(quantity: str) -> int:
    """Return one of the process's memory figures, in bytes."""
    found = re.search(rf"{quantity}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return 1024 * int(found[1])


if __name__ == "__main__":
    main()
