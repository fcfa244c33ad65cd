"""Knobs that every world has: the length of a life and the reward."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Self

from koki2_envs.knobs import (
    Schedule,
    check_knob,
    in_32_bits,
    is_always,
    knob,
    knob_fields,
    plain,
    pytree_dataclass,
    spec_of,
)
from koki2_envs.suggestions import did_you_mean


@pytree_dataclass
class WorldParams:
    """Knobs shared by all worlds (Gymnax ``EnvParams``): flat, immutable, a pytree of numbers and schedules."""

    max_steps_in_episode: int = knob(128, "length of a life", unit="steps", low=1, group="life")
    survival_reward: float = knob(1.0, "reward of every step lived", group="reward")
    energy_reward: float = knob(10.0, "reward per unit of energy gained", group="reward")
    success_bonus: float = knob(50.0, "reward of the first good source reached in a life", group="reward")
    drive_reward: float = knob(0.0, "reward per unit of drive reduction", group="reward", neutral=0.0)

    def __post_init__(self) -> None:
        for name, field in knob_fields(self).items():
            object.__setattr__(self, name, check_knob(name, getattr(self, name), field))

    def replace(self, **changes: Any) -> Self:
        """A copy with other knob values, checked.

        Raises:
            TypeError, ValueError: an unknown knob or an invalid value; the message names the knob.
        """
        known = knob_fields(self)
        for name in changes:
            if name not in known:
                raise TypeError(f"unknown knob {name!r}{did_you_mean(name, known)}")
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """All knobs as plain numbers; schedules as mappings."""
        return plain.to_dict(self)

    def to_json(self) -> str:
        """All knobs as one JSON object; :meth:`from_json` gives them back exactly."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Params from :meth:`to_dict`'s mapping; absent knobs take the class's defaults."""
        return plain.from_dict(cls, values)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Params from :meth:`to_json`'s text."""
        return cls.from_dict(json.loads(text))

    def idle_knobs(self) -> tuple[tuple[str, float], ...]:
        """The knobs whose feature is off for the whole life, with their neutral values.

        Pass the result as a static argument into a compiled function and restore it there with
        :meth:`with_constants`: features that are off are then not compiled, while all other values stay inputs that
        can change without recompiling.
        """
        neutral = {name: spec_of(field).neutral for name, field in knob_fields(self).items()}
        return tuple((n, v) for n, v in neutral.items() if v is not None and is_always(getattr(self, n), v))

    def with_constants(self, constants: tuple[tuple[str, float], ...]) -> Self:
        """A copy in which the named knobs are concrete numbers again, also inside a compiled function.

        Other knobs are in 32 bits (:func:`koki2_envs.knobs.in_32_bits`).
        """
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        copy = object.__new__(type(self))
        for name, value in (values | dict(constants)).items():
            schedule = isinstance(value, Schedule)  # value_at reads those in 32 bits
            object.__setattr__(copy, name, value if schedule else in_32_bits(value))
        return copy

    def in_32_bits(self) -> Self:
        """A copy without 64-bit arrays, whatever JAX's modes; what every world computes with."""
        return self.with_constants(())
