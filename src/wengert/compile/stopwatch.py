"""How long compilation takes, stage by stage, for those who set WENGERT_LOG=compile."""

from __future__ import annotations

import os
import sys
import time

__all__ = ["Stopwatch"]


class Stopwatch:
    """Takes the times of stages, and writes a line of them to the standard error, if that is asked for.

    Parameters
    ----------
    name : str
        Of what is compiled.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._laps: list[tuple[str, float]] = []
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """End a stage."""
        now = time.perf_counter()
        self._laps.append((stage, now - self._last))
        self._last = now

    def report(self, size: str) -> None:
        """Write the line."""
        if "compile" in os.environ.get("WENGERT_LOG", "").split(","):
            times = ", ".join(f"{stage} {1e3 * seconds:.1f} ms" for stage, seconds in self._laps)
            sys.stderr.write(f"wengert: compiled {self._name} ({size}): {times}\n")
