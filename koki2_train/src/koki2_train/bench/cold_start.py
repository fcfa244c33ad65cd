"""Cold-start time: from the command to the first generation on disk."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from koki2_train.bench.plan import Plan
from koki2_train.bench.subprocesses import BenchError, last_line
from koki2_train.bench.timing import Report, Row, spread

_MOST_ROUNDS = 3  # each takes as long as two cold starts
_LOOK_EVERY = 0.005  # seconds


def cold_start(plan: Plan, report: Report) -> list[Row]:
    """Times ``koki2-train evolve L0.2`` in a new process, with an empty compilation cache and then with what it left.

    Returns:
        A row for each of both, with ``seconds_median``, ``seconds_min`` and ``seconds_max`` until the first line is in
        ``generations.jsonl``.

    Raises:
        BenchError: the command ended before.
    """
    rounds = min(plan.rounds, _MOST_ROUNDS)
    seconds: dict[str, list[float]] = {"empty": [], "warm": []}
    for number in range(rounds):
        with tempfile.TemporaryDirectory(prefix="koki2-bench-") as folder:
            for cache, taken in seconds.items():
                report(f"round {number + 1}/{rounds}: {cache} compilation cache")
                taken.append(_until_first_generation(plan, Path(folder), cache))
    return [
        {"case": f"L0.2, {cache} compilation cache", "cache": cache, "rounds": rounds, **spread("seconds", taken)}
        for cache, taken in seconds.items()
    ]


def _until_first_generation(plan: Plan, folder: Path, run: str) -> float:
    """Seconds that a run into ``folder``/``run`` takes until its first generation; the run is then given up."""
    log, errors = folder / run / "generations.jsonl", folder / f"{run}.stderr"
    command = [
        sys.executable, "-m", "koki2_train", "evolve", "L0.2", "--out", str(folder / run),
        "--pop-size", str(plan.genomes), "--steps", str(plan.life_steps),
        *(("--devices", str(plan.devices)) if plan.devices else ()),
    ]  # fmt: skip
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    began = time.perf_counter()
    with (
        errors.open("w", encoding="utf-8") as stderr,
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=stderr) as process,
    ):
        try:
            while not (log.exists() and log.stat().st_size):
                if process.poll() is not None:
                    said = last_line(errors.read_text(encoding="utf-8", errors="replace"))
                    raise BenchError(f"koki2-train evolve ended early: {said}")
                time.sleep(_LOOK_EVERY)
            return time.perf_counter() - began
        finally:
            process.kill()
