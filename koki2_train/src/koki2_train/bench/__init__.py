"""Benchmarks of this machine: what ``koki2-train bench`` measures. Importable without JAX."""

from koki2_train.bench.plan import Plan
from koki2_train.bench.sections import SECTIONS, measure
from koki2_train.bench.subprocesses import BenchError, in_fresh_process

__all__ = ["SECTIONS", "BenchError", "Plan", "in_fresh_process", "measure"]
