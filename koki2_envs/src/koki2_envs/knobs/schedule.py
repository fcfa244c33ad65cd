"""Schedules: knobs whose value changes with developmental phase, and the value of any knob at a phase."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from koki2_envs.knobs.pytree import pytree_dataclass
from koki2_envs.knobs.spec import KnobSpec, check_number, in_32_bits, is_abstract

if TYPE_CHECKING:
    import jax

    Knob: TypeAlias = "bool | int | float | jax.Array | Schedule"
else:
    Knob = Any


@pytree_dataclass
class Schedule:
    """A knob whose value changes with developmental phase φ ∈ [0, 1].

    With x = clip((φ − from_phi)/(to_phi − from_phi), 0, 1) the value is start + (end − start)·x²(3 − 2x);
    where to_phi ≤ from_phi it is ``end`` throughout. Known phases of which ``from_phi`` is the larger are rejected as a
    mistake.

    Attributes:
        start: value up to ``from_phi``.
        end: value from ``to_phi`` on.
        from_phi: phase at which the change begins.
        to_phi: phase at which the change is complete.
    """

    start: Any
    end: Any
    from_phi: Any = 0.0
    to_phi: Any = 1.0

    def __post_init__(self) -> None:
        for name in ("start", "end", "from_phi", "to_phi"):
            value = getattr(self, name)
            if is_abstract(value):
                continue
            low, high = (0.0, 1.0) if name.endswith("phi") else (None, None)
            check_number(f"schedule {name}", value, KnobSpec("", low=low, high=high))
            if isinstance(value, int | np.number):
                object.__setattr__(self, name, float(value))
        phases = (self.from_phi, self.to_phi)
        if not any(map(is_abstract, phases)) and np.any(np.float32(phases[0]) > np.float32(phases[1])):
            raise ValueError(f"schedule from_phi must be at most to_phi = {self.to_phi}, got {self.from_phi}")

    def __str__(self) -> str:
        return f"{self.start:g}:{self.end:g}@{self.from_phi:g}:{self.to_phi:g}"


def ramp(start: float, end: float, from_phi: float = 0.0, to_phi: float = 1.0) -> Schedule:
    """A smooth change from ``start`` to ``end`` between two phases (see :class:`Schedule`).

    Raises:
        ValueError: a value is not finite, a phase is outside 0 to 1, or ``from_phi`` is above ``to_phi``.
        TypeError: a value is not a number.
    """
    return Schedule(start, end, from_phi, to_phi)


def value_at(knob: Knob, phi: Any) -> Any:
    """The value of a knob at phase ``phi`` (scalar or array; float32). A number is returned as it is."""
    if not isinstance(knob, Schedule):
        return knob
    import jax.numpy as jnp

    start, end, from_phi, to_phi = map(in_32_bits, (knob.start, knob.end, knob.from_phi, knob.to_phi))
    phi = jnp.asarray(phi, jnp.float32)
    span = to_phi - from_phi
    # Shorter spans are flushed to zero where they divide.
    rising = span >= np.finfo(np.float32).tiny
    x = jnp.clip((phi - from_phi) / jnp.where(rising, span, 1.0), 0.0, 1.0)
    value = start + (end - start) * (x * x * (3.0 - 2.0 * x))
    # start + (end - start) may round to a neighbour of end; a finished schedule must be exactly at its end.
    return jnp.where(rising & (x < 1.0), value, end)


def largest(knob: Knob) -> Any:
    """The largest value a knob takes in a life. A schedule is monotonic, so it is one of its ends."""
    if not isinstance(knob, Schedule):
        return knob
    import jax.numpy as jnp

    return jnp.maximum(jnp.asarray(knob.start, jnp.float32), jnp.asarray(knob.end, jnp.float32))
