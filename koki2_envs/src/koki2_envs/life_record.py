"""What was recorded of one life, independent of who lived it and how it was stepped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np


@dataclass(frozen=True)
class LifeRecord:
    """One life of up to T steps, as numpy arrays. Entry t is the transition from time t to t + 1.

    Attributes:
        states: the world's state, every leaf with a leading axis of T + 1: before each step, and after the last.
        observations: (T, D) float, what was sensed before each step.
        actions: (T,) int, index into ``env.action_names``.
        rewards: (T,) float.
        alive: (T,) bool, whether the step was lived; once False it stays so. What comes after death is never drawn.
        info: the info of each step, each (T,).
        extra: anything else recorded of the agent, each with a leading axis of T, such as ``spikes`` (T, N).

    Raises:
        ValueError: lengths do not agree, or a dead step precedes a lived one; the message names the field.
    """

    states: Any
    observations: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    alive: np.ndarray
    info: Mapping[str, np.ndarray]
    extra: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("states", "observations", "actions", "rewards", "info", "extra"):
            object.__setattr__(self, name, jax.tree.map(np.asarray, getattr(self, name)))
        object.__setattr__(self, "alive", np.asarray(self.alive, bool))
        if self.alive.ndim != 1 or not self.alive.size:
            raise ValueError(f"alive must have shape (T,) with T at least 1, got {self.alive.shape}")
        if np.any(self.alive[1:] & ~self.alive[:-1]):
            raise ValueError(f"alive must not become True again after step {int(np.argmin(self.alive))}")
        steps = self.alive.size
        for name in ("observations", "actions", "rewards", "info", "extra"):
            _check_length(name, getattr(self, name), steps)
        _check_length("states", self.states, steps + 1)

    @classmethod
    def stack(
        cls,
        states: Sequence[Any],
        observations: Sequence[Any],
        actions: Sequence[Any],
        rewards: Sequence[Any],
        info: Sequence[Mapping[str, Any]],
    ) -> LifeRecord:
        """A record from the lists that a plain ``for`` loop over ``env.step_env`` collects, all of its steps lived.

        ``env.step`` would put the next life's newborn in the place of the state at death.

        Args:
            states: T + 1 states, the one at reset first.
            observations: what was sensed before each of T steps (that after the last step may be among them).
            actions: T actions.
            rewards: T rewards.
            info: T infos.
        """  # fmt: skip
        return cls(
            states=_stacked(states),
            observations=np.stack([np.asarray(o) for o in observations[: len(actions)]]),
            actions=np.asarray(actions),
            rewards=np.asarray(rewards),
            alive=np.ones(len(actions), bool),
            info=_stacked(info),
        )

    @property
    def num_steps(self) -> int:
        """T, how long the life could have been."""
        return int(self.alive.size)

    @property
    def num_lived(self) -> int:
        """How many steps were lived, the last one included."""
        return int(self.alive.sum())

    @property
    def lived_states(self) -> Any:
        """The states from birth to the end of life, leading axis ``num_lived + 1``."""
        return jax.tree.map(lambda leaf: leaf[: self.num_lived + 1], self.states)

    @property
    def fitness(self) -> float:
        """The undiscounted return of the lived steps."""
        return float(self.rewards[: self.num_lived].sum())


def _stacked(rows: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *rows)


def _check_length(name: str, tree: Any, length: int) -> None:
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        if leaf.ndim == 0 or leaf.shape[0] != length:
            raise ValueError(
                f"{name}{jax.tree_util.keystr(path)} must have a leading axis of {length}, got shape {leaf.shape}"
            )
