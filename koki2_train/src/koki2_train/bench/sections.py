"""The sections of the benchmark by name."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from koki2_train.bench.plan import Plan
from koki2_train.bench.timing import Report, Row


@dataclass(frozen=True)
class Section:
    """A part of the benchmark.

    Attributes:
        title: what it measures.
        measure: the function that does, as ``module:name``; imported when it is used.
    """

    title: str
    measure: str


# Sections that measure in processes of their own come first: a GPU whose memory this process holds has none for them.
SECTIONS = {
    "cold_start": Section("From command to first generation", "cold_start:cold_start"),
    "compiles": Section("Compilations per run", "compiles:compiles"),
    "memory": Section("Peak memory of a process", "memory:memory"),
    "worlds": Section("Worlds alone, random actions, one device", "worlds:worlds"),
    "training": Section("World and brain with evolution", "evolution:training"),
    "brains": Section("Brains of N neurons", "evolution:brains"),
    "lives": Section("Lives per genome", "evolution:lives"),
    "learning": Section("Learning within a life", "learning:learning"),
    "roofline": Section("Peaks of all devices together, and the cost of a step", "roofline:roofline"),
}


def measure(name: str, plan: Plan, report: Report) -> list[Row]:
    """Measures one section.

    Args:
        name: of :data:`SECTIONS`.
        plan: how much is measured.
        report: called with what is being measured.

    Returns:
        Its rows, plain data; every one has a ``case``, its name.

    Raises:
        BenchError: a process that was to be measured failed.
    """
    module, function = SECTIONS[name].measure.split(":")
    section = getattr(importlib.import_module(f"koki2_train.bench.{module}"), function)
    rows: list[Row] = section(plan, lambda text: report(f"{name}: {text}"))
    return rows
