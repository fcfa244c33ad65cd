"""Idle knobs: features that are off cost nothing, neither when compiled nor when run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from koki2_envs.knobs.schedule import Knob, Schedule

T = TypeVar("T")


def is_always(knob: Knob, value: float) -> bool:
    """Whether a knob is known, before any tracing, to keep ``value`` for the whole life."""
    if isinstance(knob, Schedule):
        return is_always(knob.end, value) and is_always(knob.start, value)
    return isinstance(knob, bool | int | float | np.bool_ | np.number) and bool(knob == value)


def when_active(knob: Knob, neutral: float, active: Callable[[], T], idle: Callable[[], T]) -> T:
    """``active()`` where a knob can differ from its neutral value, else ``idle()``; both return the same pytree.

    A knob that is a concrete number is decided while tracing, so that an idle feature is not compiled at all. A traced
    one is decided at run time by ``lax.cond``, which skips the work as long as the knob itself is not batched. Both
    ways give the same result.
    """
    if is_always(knob, neutral):
        return idle()
    ends = (knob.start, knob.end) if isinstance(knob, Schedule) else (knob,)
    if any(isinstance(end, bool | int | float | np.bool_ | np.number) and end != neutral for end in ends):
        return active()
    import jax
    import jax.numpy as jnp

    differs = jnp.any(jnp.stack([jnp.asarray(end) != neutral for end in ends]))
    return jax.lax.cond(differs, active, idle)
