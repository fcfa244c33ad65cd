"""Knobs: the tunables of a world, each a number or a schedule over developmental phase.

This module needs no JAX to be imported, so that a command line can list, parse and check every knob at once.
A knob is declared once, as a field of a params dataclass, with :func:`knob`; everything else (validation, JSON,
command-line flags, documentation) is generated from that declaration.
"""

from __future__ import annotations

import dataclasses
import difflib
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, dataclass_transform

import numpy as np
import wrapt

if TYPE_CHECKING:
    import jax

    Knob: TypeAlias = "bool | int | float | jax.Array | Schedule"
else:
    Knob = Any

T = TypeVar("T")

_SPEC = "koki2_knob"
_LARGEST_INT = 2**31 - 1  # worlds count in 32 bits


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
        scheduled: whether a :class:`Schedule` is accepted.
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
    return field.metadata[_SPEC]


def knob_fields(params: Any) -> dict[str, dataclasses.Field[Any]]:
    """All knobs of a params class or instance, by name, in order of declaration."""
    return {field.name: field for field in dataclasses.fields(params) if _SPEC in field.metadata}


@dataclass_transform(frozen_default=True, field_specifiers=(knob, dataclasses.field))
def pytree_dataclass(cls: type[T]) -> type[T]:
    """Makes ``cls`` a frozen dataclass that is a JAX pytree of all its fields.

    Registration waits until JAX is imported, so that declaring params costs no import. Unflattening does not run
    ``__post_init__``: transformations put tracers, batch axes or ``None`` where numbers were.
    """
    cls = dataclasses.dataclass(frozen=True)(cls)
    names = tuple(field.name for field in dataclasses.fields(cls))  # type: ignore[arg-type]

    def flatten(value: Any) -> tuple[tuple[Any, ...], None]:
        return tuple(getattr(value, name) for name in names), None

    def unflatten(_: None, children: tuple[Any, ...]) -> Any:
        value = object.__new__(cls)
        for name, child in zip(names, children, strict=True):
            object.__setattr__(value, name, child)
        return value

    def register(jax: Any) -> None:
        keys = tuple(jax.tree_util.GetAttrKey(name) for name in names)
        jax.tree_util.register_pytree_with_keys(
            cls, lambda value: (tuple(zip(keys, flatten(value)[0], strict=True)), None), unflatten, flatten
        )

    wrapt.register_post_import_hook(register, "jax")
    return cls


@pytree_dataclass
class Schedule:
    """A knob whose value changes with developmental phase φ ∈ [0, 1].

    With x = clip((φ − from_phi)/(to_phi − from_phi), 0, 1) the value is start + (end − start)·x²(3 − 2x);
    where to_phi ≤ from_phi it is ``end`` throughout.

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
            if isinstance(value, int | np.number) and not isinstance(value, bool):
                object.__setattr__(self, name, float(value))

    def __str__(self) -> str:
        return f"{self.start:g}:{self.end:g}@{self.from_phi:g}:{self.to_phi:g}"


def ramp(start: float, end: float, from_phi: float = 0.0, to_phi: float = 1.0) -> Schedule:
    """A smooth change from ``start`` to ``end`` between two phases (see :class:`Schedule`).

    Raises:
        ValueError: a value is not finite, or a phase is outside 0 to 1.
        TypeError: a value is not a number.
    """
    return Schedule(start, end, from_phi, to_phi)


def at(knob: Knob, phi: Any) -> Any:
    """The value of a knob at phase ``phi`` (scalar or array; float32). A number is returned as it is."""
    if not isinstance(knob, Schedule):
        return knob
    import jax.numpy as jnp

    span = knob.to_phi - knob.from_phi
    # Shorter spans are flushed to zero where they divide.
    rising = span >= np.finfo(np.float32).tiny
    x = jnp.clip((phi - knob.from_phi) / jnp.where(rising, span, 1.0), 0.0, 1.0)
    value = knob.start + (knob.end - knob.start) * (x * x * (3.0 - 2.0 * x))
    # start + (end - start) may round to a neighbour of end; what has come to its end must be exactly there.
    return jnp.where(rising & (x < 1.0), value, knob.end)


def largest(knob: Knob) -> Any:
    """The largest value a knob takes in a life. A schedule is monotonic, so it is one of its ends."""
    if not isinstance(knob, Schedule):
        return knob
    import jax.numpy as jnp

    return jnp.maximum(knob.start, knob.end)


def known_number(value: Any) -> bool | int | float | None:
    """The one number, also in an array, that a value is known to be; None for schedules, batches and tracers.

    For checks: what is compiled does not depend on numbers in arrays (:func:`is_always`).
    """
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Schedule) or is_abstract(value) or np.ndim(value) != 0:
        return None
    number: bool | int | float = np.asarray(value).item()
    return number


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


def check_number(name: str, value: Any, spec: KnobSpec) -> None:
    """Refuses a concrete number (or array of numbers) that ``spec`` does not allow.

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


def check_knob(name: str, value: Any, field: dataclasses.Field[Any]) -> Any:
    """Checks one knob's value against its declaration and returns it in the declared type.

    Tracers and other abstract values pass unchecked.

    Raises:
        TypeError: not a number, or a schedule where none is possible.
        ValueError: outside the allowed range.
    """
    spec = spec_of(field)
    kind: Any = type(field.default)
    if is_abstract(value):
        return value
    if isinstance(value, Schedule):
        if not spec.scheduled:
            raise TypeError(f"{name} cannot be a schedule, got {value}")
        for end in (value.start, value.end):
            if not is_abstract(end):
                check_number(name, end, spec)
        return value
    if kind is int and isinstance(value, int) and abs(value) > _LARGEST_INT:
        raise ValueError(f"{name} must be at most {_LARGEST_INT}, got {value}")
    check_number(name, value, spec)
    if kind is not float and np.any(np.asarray(value) != np.asarray(value).astype(kind)):
        raise TypeError(f"{name} must be {'true or false' if kind is bool else 'a whole number'}, got {value}")
    return kind(value) if isinstance(value, bool | int | float | np.bool_ | np.number) else value


def check_range(params: Any, low: str, high: str) -> None:
    """Refuses params in which a range, given by two of their knobs, ends before it begins.

    Raises:
        ValueError: by the knobs' names.
    """
    least, most = known_number(getattr(params, low)), known_number(getattr(params, high))
    if least is not None and most is not None and least > most:
        raise ValueError(f"{low} must be at most {high} = {most:g}, got {least:g}")


def did_you_mean(name: str, known: Mapping[str, Any] | list[str]) -> str:
    """``; did you mean 'x'?`` for the closest known name, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def is_abstract(value: Any) -> bool:
    """Whether a value has no numbers to look at yet (a tracer or a shape)."""
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(value, jax.core.Tracer | jax.ShapeDtypeStruct)
