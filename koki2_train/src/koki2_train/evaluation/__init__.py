"""Champions and reference policies on held-out lives."""

from koki2_train.evaluation.champions import load_champion, stack_champions
from koki2_train.evaluation.evaluate import evaluate_runs
from koki2_train.evaluation.held_out import HeldOutLives, Metrics, NotFiniteError
from koki2_train.evaluation.variants import with_held_out_variant

__all__ = [
    "HeldOutLives",
    "Metrics",
    "NotFiniteError",
    "evaluate_runs",
    "load_champion",
    "stack_champions",
    "with_held_out_variant",
]
