"""A trace of training, to see where the time goes."""

from __future__ import annotations

from pathlib import Path

from koki2_train.bench.evolution import compile_generations, timed_experiment
from koki2_train.bench.plan import Plan

_GENERATIONS = 3
_FOR_VIEWERS = "*.trace.json.gz"


def write_trace(plan: Plan, folder: Path) -> Path:
    """Writes a trace of a few generations of training, compiled before, into a folder.

    Args:
        plan: population and length of life.
        folder: where to; made where it is not there.

    Returns:
        The file in it that trace viewers open.

    Raises:
        OSError: it cannot be written.
    """
    import jax

    run = compile_generations(timed_experiment(plan, "L0.2", {"pop_size": plan.genomes}), _GENERATIONS, plan.devices)
    run()
    folder.mkdir(parents=True, exist_ok=True)
    with jax.profiler.trace(folder):
        run()
    return next(folder.rglob(_FOR_VIEWERS))
