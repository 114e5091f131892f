"""Contenders take turns: whatever else the machine does hits all of them, and a ratio is one of neighbours in time."""

from collections.abc import Callable, Mapping
from time import perf_counter, sleep

import numpy as np
from peak import PeakMeter

from cfensemble._typing import Vector

SETTLE = 0.2
"""Seconds between contenders: BLAS and OpenMP threads spin for a while after their work, at the next one's expense."""

TURN = 0.1
"""Seconds of running that make a turn, whose result is the median; a single run where that takes longer."""

PATIENCE = 4.0
"""Seconds after which a contender has had enough turns, if they are at least LEAST_TURNS."""
LEAST_TURNS = 3


class Turns:
    """Seconds of every contender in every turn, NaN where it took no part; and the machine's peaks in that turn."""

    def __init__(self, seconds: dict[str, Vector], peaks: dict[str, Vector]) -> None:
        self.seconds, self.peaks = seconds, peaks

    def milliseconds(self, name: str) -> float:
        return float(1000 * np.nanmedian(self.seconds[name]))

    def ratio(self, slower: str, faster: str) -> float:
        """How many times faster the one is than the other."""
        return float(np.nanmedian(self.seconds[slower] / self.seconds[faster]))

    def share(self, name: str, count: float, peak: str) -> float:
        """Which share of a peak a contender reaches that makes so many operations."""
        return float(np.nanmedian(count / 1e9 / self.seconds[name] / self.peaks[peak]))


def take_turns(
    contenders: Mapping[str, Callable[[], float]],
    repeats: int,
    meter: PeakMeter | None = None,
    settle: float = SETTLE,
) -> Turns:
    """Let the contenders, functions that run and return the seconds that it took, take so many turns."""
    turns = Turns({name: np.full(repeats, np.nan) for name in contenders}, {})
    spent = dict.fromkeys(contenders, 0.0)
    for repeat in range(repeats):
        for name, run in contenders.items():
            if repeat < LEAST_TURNS or spent[name] < PATIENCE:
                sleep(settle)
                begin = perf_counter()
                turns.seconds[name][repeat] = _take_turn(run)
                spent[name] += perf_counter() - begin
        if meter is not None:
            sleep(settle)
            for name, gflops in meter.measure().items():
                turns.peaks.setdefault(name, np.full(repeats, np.nan))[repeat] = gflops
    return turns


def _take_turn(run: Callable[[], float]) -> float:
    end = perf_counter() + TURN
    runs = [run()]
    while perf_counter() < end:
        runs.append(run())
    return float(np.median(runs))
