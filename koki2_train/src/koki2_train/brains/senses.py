"""Senses of a brain beside the world's observation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import jax
import jax.numpy as jnp

from koki2_envs.suggestions import did_you_mean
from koki2_train.brains.base import Interface, Outcome
from koki2_train.experiment.brain_settings import SenseSettings

_WATER = "water_x"


@dataclass(frozen=True)
class Senses:
    """What a brain is given in each step: the observation, and what it senses itself. Static.

    Attributes:
        names: a name for each entry; those of the observation first.
        scales: the typical size of each entry.
        num_observed: how many of them are the observation.
    """

    names: tuple[str, ...]
    scales: tuple[float, ...]
    num_observed: int

    @classmethod
    def of(cls, settings: SenseSettings, interface: Interface) -> Self:
        """Those that the settings ask for in a world with this interface."""
        own: tuple[str, ...] = ()
        if settings.sense_event:
            own = ("fed", "hurt", *(("drank",) if _WATER in interface.observation_names else ()))
        scales = (*interface.observation_scales, *(1.0 for _ in own))
        return cls((*interface.observation_names, *own), scales, interface.num_observations)

    @property
    def size(self) -> int:
        """How many entries there are."""
        return len(self.names)

    def at_birth(self) -> jax.Array:
        """What the brain senses itself before the first step; (size − num_observed,) float32."""
        return jnp.zeros(self.size - self.num_observed, jnp.float32)

    def sensed(self, observation: jax.Array, own: jax.Array) -> jax.Array:
        """All entries, (size,) float32.

        Args:
            observation: (num_observed,) float32.
            own: (size − num_observed,) float32, from :meth:`at_birth` or :meth:`after`.
        """
        return jnp.concatenate([observation, own]) if own.size else observation

    def after(self, outcome: Outcome) -> jax.Array:
        """What the brain senses itself after a step: 1 for each kind of event that occurred, else 0."""
        events = {"fed": outcome.energy_gained, "hurt": outcome.integrity_lost, "drank": outcome.water_gained}
        return jnp.asarray([events[name] > 0 for name in self.names[self.num_observed :]], jnp.float32)


def indices_of(patterns: str, names: Sequence[str]) -> tuple[int, ...]:
    """The places of names that one of several patterns matches.

    Args:
        patterns: names or patterns (``*``, ``?``, ``[seq]``) joined by commas.
        names: what there is.

    Raises:
        ValueError: a pattern that matches none.
    """
    from fnmatch import fnmatchcase

    found: set[int] = set()
    for pattern in (part.strip() for part in patterns.split(",")):
        matching = [index for index, name in enumerate(names) if fnmatchcase(name, pattern)]
        if not matching:
            hint = did_you_mean(pattern, names)
            raise ValueError(f"no sense is called {pattern!r}{hint}; there are {', '.join(names)}")
        found.update(matching)
    return tuple(sorted(found))
