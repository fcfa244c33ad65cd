"""Evolution as one compiled scan over generations."""

from koki2_train.evolution.evolve import compiled_finish, compiled_init, compiled_steps, evolve
from koki2_train.evolution.program import Program, Search
from koki2_train.evolution.state import GenerationLog, RunState

__all__ = [
    "GenerationLog",
    "Program",
    "RunState",
    "Search",
    "compiled_finish",
    "compiled_init",
    "compiled_steps",
    "evolve",
]
