"""Records of lives, step by step, independent of the agent that lived them and of how they were stepped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from koki2_envs.knobs import is_abstract, pytree_dataclass


@pytree_dataclass
class LifeRecord:
    """One life of up to T steps. Entry t is the transition from time t to t + 1.

    A record is a pytree: ``jax.vmap`` adds leading axes to all of its arrays (a batch of lives), ``jax.tree.map(lambda
    x: x[i], batch)`` takes one life out, ``jax.device_get`` turns its arrays into numpy's. A record that is built from
    concrete values is checked, and its arrays become numpy's.

    Attributes:
        states: the world's state, every leaf with a leading axis of T + 1: before each step, and after the last.
        observations: (T, D) float, what was sensed before each step.
        actions: (T,) int, index into ``env.action_names``.
        rewards: (T,) float.
        alive: (T,) bool, whether the step was lived; once False it stays so. Entries after the end of life have no
            meaning.
        info: the info of each step, each (T,).
        extra: anything else recorded of the agent, each with a leading axis of T, such as ``spikes`` (T, N).

    Raises:
        ValueError: lengths do not agree, or a dead step precedes a lived one; the message names the field.
    """

    states: Any
    observations: Any
    actions: Any
    rewards: Any
    alive: Any
    info: Mapping[str, Any]
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = ("states", "observations", "actions", "rewards", "alive", "info", "extra")
        if any(is_abstract(leaf) for name in names for leaf in jax.tree.leaves(getattr(self, name))):
            return
        for name in names:
            object.__setattr__(self, name, jax.tree.map(np.asarray, getattr(self, name)))
        object.__setattr__(self, "alive", np.asarray(self.alive, bool))
        self._check()

    def _check(self) -> None:
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

        ``env.step`` would replace the state at death by that of the next life's newborn.

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
        return int(self.alive.shape[-1])

    @property
    def num_lived(self) -> Any:
        """Steps lived, the last one included: an int, or int32 of the shape of the batch."""
        return self._of_each_life(int, jnp.sum(jnp.asarray(self.alive), axis=-1, dtype=jnp.int32))

    @property
    def fitness(self) -> Any:
        """Undiscounted return of the lived steps: a float, or float32 of the shape of the batch."""
        return self._of_each_life(float, jnp.where(self.alive, self.rewards, 0.0).sum(axis=-1))

    @property
    def lived_states(self) -> Any:
        """The states of one life from birth to its end, leading axis ``num_lived + 1``.

        Raises:
            ValueError: a batch of lives, or a life that is being traced: its length is not known.
        """
        if np.ndim(self.alive) != 1 or is_abstract(self.alive):
            raise ValueError(f"lived_states needs one concrete life, got alive of shape {np.shape(self.alive)}")
        return jax.tree.map(lambda leaf: leaf[: self.num_lived + 1], self.states)

    def _of_each_life(self, kind: type, values: jax.Array) -> Any:
        return kind(values) if values.ndim == 0 and not is_abstract(values) else values


def _stacked(rows: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *rows)


def _check_length(name: str, tree: Any, length: int) -> None:
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        if leaf.ndim == 0 or leaf.shape[0] != length:
            raise ValueError(
                f"{name}{jax.tree_util.keystr(path)} must have a leading axis of {length}, got shape {leaf.shape}"
            )
