"""Declarations of knobs: what is known of a knob besides its value, and the check of a number against it."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

import numpy as np

_SPEC = "koki2_knob"
LARGEST_INT = 2**31 - 1
"""The largest whole number that a knob or setting can be: everything is counted in 32 bits."""
_LARGEST_FLOAT = float(np.finfo(np.float32).max)
_SMALLEST_FLOAT = float(np.finfo(np.float32).tiny)


@dataclasses.dataclass(frozen=True)
class KnobSpec:
    """What is known of a knob besides its value.

    Attributes:
        doc: one sentence.
        unit: unit of the value, "" if it has none.
        low: smallest value allowed, or None.
        high: largest value allowed, or None.
        group: heading under which the knob is listed.
        neutral: the value at which the knob's feature is off and costs nothing, or None.
        scheduled: whether a :class:`koki2_envs.knobs.Schedule` is accepted.
        above_low: whether ``low`` itself is not allowed.
        choices: names of the values 0, 1, ... of a knob that selects one of several; each is accepted in place of its
            number.
    """

    doc: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    group: str = "world"
    neutral: float | None = None
    scheduled: bool = True
    above_low: bool = False
    choices: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """The allowed range in words, such as ``0 to 1``, ``above 0 and at most 1`` or ``at least 1``."""
        if self.choices:
            return f"{', '.join(self.choices[:-1])} or {self.choices[-1]}"
        if self.above_low:
            return f"above {self.low:g}" + ("" if self.high is None else f" and at most {self.high:g}")
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g}"
        if self.low is not None:
            return f"at least {self.low:g}"
        if self.high is not None:
            return f"at most {self.high:g}"
        return "any finite number"

    def named(self, value: Any) -> Any:
        """The name of a value of a knob with ``choices``; every other value as it is."""
        return self.choices[int(value)] if self.choices and isinstance(value, int | np.integer) else value


def knob(
    default: Any,
    doc: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    group: str = "world",
    neutral: float | None = None,
    scheduled: bool | None = None,
    above_low: bool = False,
) -> Any:
    """Declares a field of a params dataclass as a knob (see :class:`KnobSpec`).

    The type of ``default`` (bool, int or float) is the type of the knob. Float knobs accept schedules unless
    ``scheduled=False``; bool and int knobs only with ``scheduled=True`` (ints are then rounded where they are used).
    """
    if scheduled is None:
        scheduled = isinstance(default, float)
    spec = KnobSpec(doc, unit, low, high, group, neutral, scheduled, above_low)
    return dataclasses.field(default=default, metadata={_SPEC: spec})


def choice(choices: tuple[str, ...], doc: str, *, group: str = "world", neutral: float | None = None) -> Any:
    """Declares a knob that selects one of several by number or name; the first, number 0, is its default."""
    last = len(choices) - 1
    spec = KnobSpec(doc, low=0, high=last, group=group, neutral=neutral, scheduled=False, choices=choices)
    return dataclasses.field(default=0, metadata={_SPEC: spec})


def spec_of(field: dataclasses.Field[Any]) -> KnobSpec:
    """The :class:`KnobSpec` of a params field."""
    spec: KnobSpec = field.metadata[_SPEC]
    return spec


def knob_fields(params: Any) -> dict[str, dataclasses.Field[Any]]:
    """All knobs of a params class or instance, by name, in order of declaration."""
    return {field.name: field for field in dataclasses.fields(params) if _SPEC in field.metadata}


def check_number(name: str, value: Any, spec: KnobSpec, *, whole: bool = False) -> None:
    """Rejects a concrete number (or array of numbers) that ``spec`` does not allow.

    Args:
        name: what the message calls it.
        value: the number.
        spec: its declaration.
        whole: whether it counts something, and so must be within the whole numbers of 32 bits.

    Raises:
        TypeError: not a number; true and false are none.
        ValueError: not finite, outside the allowed range, or too large for 32 bits.
    """
    array = _as_array(value)
    if array is None or array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be a number, got {value!r}")
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        narrow = array.astype(np.float32)

    def check(valid: Any, allowed: str) -> None:
        if not np.all(valid):
            raise ValueError(f"{name} must be {allowed}, got {value if array.ndim == 0 else array[~valid].flat[0]}")

    check(np.isfinite(array), "finite")
    inside = np.ones_like(array, bool)
    if spec.low is not None:
        # What is above a limit of 0 must be so in 32 bits, where numbers smaller than this are flushed to zero.
        inside &= (array > spec.low) & (narrow - spec.low >= _SMALLEST_FLOAT) if spec.above_low else array >= spec.low
    if spec.high is not None:
        inside &= array <= spec.high
    check(inside, spec.allowed)
    limit = LARGEST_INT if whole else _LARGEST_FLOAT
    size = "" if spec.low is not None else " in size"
    check(np.abs(array.astype(np.float64)) <= limit, f"at most {limit if whole else f'{limit:g}'}{size}")


def _as_array(value: Any) -> np.ndarray | None:
    """A value as an array of numbers, of which whole ones may be of any length; None where it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return np.asarray(float(max(min(value, 10**300), -(10**300))))
    try:
        return np.asarray(value)
    except (TypeError, ValueError):
        return None


def in_32_bits(value: Any) -> Any:
    """A number as worlds compute with it: arrays and tracers of 64 bits in 32, NumPy's scalars as plain numbers.

    Plain numbers stay as they are, since JAX gives them the type of what they meet; everything else would draw worlds
    into 64 bits where JAX has these enabled.
    """
    if isinstance(value, np.generic):
        return value.item()
    narrow = {"float64": np.float32, "int64": np.int32, "uint64": np.uint32}.get(str(getattr(value, "dtype", "")))
    return value.astype(narrow) if narrow and hasattr(value, "astype") else value


def is_abstract(value: Any) -> bool:
    """Whether a value has no numbers to look at yet (a tracer or a shape)."""
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(value, jax.core.Tracer | jax.ShapeDtypeStruct)
