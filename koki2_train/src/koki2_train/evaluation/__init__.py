"""Champions and reference policies on held-out lives."""

from koki2_train.evaluation.champions import load_champion, stack_champions
from koki2_train.evaluation.evaluate import evaluate_runs
from koki2_train.evaluation.held_out import HeldOutLives, NotFiniteError
from koki2_train.evaluation.statistics import Metrics
from koki2_train.evaluation.variants import with_held_out_variant
from koki2_train.evaluation.worlds import problem_in_world, with_test_world

__all__ = [
    "HeldOutLives",
    "Metrics",
    "NotFiniteError",
    "evaluate_runs",
    "load_champion",
    "problem_in_world",
    "stack_champions",
    "with_held_out_variant",
    "with_test_world",
]
