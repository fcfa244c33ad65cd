"""Peak memory of a process that runs one generation and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from koki2_train.bench.evolution import compile_generations, in_words, timed_experiment
from koki2_train.bench.plan import Plan
from koki2_train.bench.subprocesses import in_fresh_process
from koki2_train.bench.timing import Report, Row


def memory(plan: Plan, report: Report) -> list[Row]:
    """One generation of a large population on L0.2, with more and more lives per genome.

    Returns:
        A row a number of lives with the process's peak of resident memory in bytes so far: ``imported_bytes`` after JAX
        is initialised and before anything is compiled, ``compiled_bytes`` before and ``generation_bytes`` after the
        generation; and ``device_bytes``, the first device's own peak, where it is no CPU.
    """
    rows = []
    for number, count in enumerate(plan.memory_lives, 1):
        case = f"L0.2, {plan.many_genomes} genomes × {in_words(count)}"
        report(f"process {number}/{len(plan.memory_lives)}: {case}")
        where = {"devices": plan.devices, "genomes": plan.many_genomes, "lives": count}
        peaks = in_fresh_process(one_generation, **where, life_steps=plan.life_steps)
        rows.append({"case": case, "genomes": plan.many_genomes, "lives": count, **peaks})
    return rows


def one_generation(devices: int | None, genomes: int, lives: int, life_steps: int) -> dict[str, Any]:
    """Runs one generation in this process; the peak of the process's memory (see :func:`memory`)."""
    import jax

    plan = Plan(life_steps=life_steps)
    first = jax.devices()[0]
    imported = _peak_bytes()
    run = compile_generations(timed_experiment(plan, "L0.2", {"pop_size": genomes, "episodes": lives}), 1, devices)
    compiled = _peak_bytes()
    run()
    on_device = first.memory_stats()  # None on a CPU
    return {
        "imported_bytes": imported,
        "compiled_bytes": compiled,
        "generation_bytes": _peak_bytes(),
        "device_bytes": on_device["peak_bytes_in_use"] if on_device else None,
    }


def _peak_bytes() -> int:
    """This process's greatest resident memory so far."""
    if sys.platform == "linux":
        # What getrusage tells here begins with the memory of the process that started this one.
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
