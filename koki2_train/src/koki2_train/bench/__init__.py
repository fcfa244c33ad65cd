"""How fast it is here: what ``koki2-train bench`` measures. Importable without JAX."""

from koki2_train.bench.fresh import BenchError, in_fresh_process
from koki2_train.bench.plan import Plan
from koki2_train.bench.sections import SECTIONS, measure

__all__ = ["SECTIONS", "BenchError", "Plan", "in_fresh_process", "measure"]
