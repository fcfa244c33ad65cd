"""Declarations of knobs: what is known of a knob besides its value, and the check of a number against it."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

import numpy as np

_SPEC = "koki2_knob"


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
    """

    doc: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    group: str = "world"
    neutral: float | None = None
    scheduled: bool = True

    @property
    def allowed(self) -> str:
        """The allowed range in words, such as ``0 to 1`` or ``at least 1``."""
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g}"
        if self.low is not None:
            return f"at least {self.low:g}"
        if self.high is not None:
            return f"at most {self.high:g}"
        return "any finite number"


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
) -> Any:
    """Declares a field of a params dataclass as a knob (see :class:`KnobSpec`).

    The type of ``default`` (bool, int or float) is the type of the knob. Float knobs accept schedules unless
    ``scheduled=False``; bool and int knobs only with ``scheduled=True`` (ints are then rounded where they are used).
    """
    if scheduled is None:
        scheduled = isinstance(default, float)
    spec = KnobSpec(doc, unit, low, high, group, neutral, scheduled)
    return dataclasses.field(default=default, metadata={_SPEC: spec})


def spec_of(field: dataclasses.Field[Any]) -> KnobSpec:
    """The :class:`KnobSpec` of a params field."""
    spec: KnobSpec = field.metadata[_SPEC]
    return spec


def knob_fields(params: Any) -> dict[str, dataclasses.Field[Any]]:
    """All knobs of a params class or instance, by name, in order of declaration."""
    return {field.name: field for field in dataclasses.fields(params) if _SPEC in field.metadata}


def check_number(name: str, value: Any, spec: KnobSpec) -> None:
    """Rejects a concrete number (or array of numbers) that ``spec`` does not allow.

    Raises:
        TypeError: not a number.
        ValueError: not finite, or outside the allowed range.
    """
    try:
        array = np.asarray(value)
        numeric = array.dtype.kind in "biuf" and array.dtype != object
    except (TypeError, ValueError):
        numeric = False
    if not numeric:
        raise TypeError(f"{name} must be a number, got {value!r}")
    inside = np.isfinite(array)
    if spec.low is not None:
        inside &= array >= spec.low
    if spec.high is not None:
        inside &= array <= spec.high
    if not inside.all():
        culprit = value if array.ndim == 0 else array[~inside].flat[0]
        raise ValueError(f"{name} must be {spec.allowed}, got {culprit}")


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
