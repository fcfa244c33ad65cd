"""Checks of knobs' values against their declarations and against each other."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from koki2_envs.knobs.schedule import Schedule
from koki2_envs.knobs.spec import check_number, is_abstract, spec_of


def known_number(value: Any) -> bool | int | float | None:
    """The one number, also in an array, that a value is known to be; None for schedules, batches and tracers.

    For checks: what is compiled does not depend on numbers in arrays (:func:`koki2_envs.knobs.is_always`).
    """
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Schedule) or is_abstract(value) or np.ndim(value) != 0:
        return None
    number: bool | int | float = np.asarray(value).item()
    return number


def check_knob(name: str, value: Any, field: dataclasses.Field[Any]) -> Any:
    """Checks one knob's value against its declaration and returns it in the declared type.

    Tracers and other abstract values pass unchecked. Arrays come back in the declared type's 32 bits.

    Raises:
        TypeError: not a number, or a schedule where none is possible.
        ValueError: outside the allowed range.
    """
    spec = spec_of(field)
    kind: Any = type(field.default)
    if is_abstract(value):
        return value
    if isinstance(value, str) and spec.choices:
        if value not in spec.choices:
            raise ValueError(f"{name} must be {spec.allowed}, got {value!r}")
        return spec.choices.index(value)
    if isinstance(value, Schedule):
        if not spec.scheduled:
            raise TypeError(f"{name} cannot be a schedule, got {value}")
        for end in (value.start, value.end):
            if not is_abstract(end):
                check_number(name, end, spec, whole=kind is int)
        return value
    if kind is str:
        if not isinstance(value, str) or not value.strip():
            raise TypeError(f"{name} must be text, got {value!r}")
        return value
    if kind is bool:
        _check_switch(name, value)
    else:
        check_number(name, value, spec, whole=kind is int)
    if kind is int and not isinstance(value, int) and np.any(np.asarray(value) != np.floor(value)):
        raise TypeError(f"{name} must be a whole number, got {value}")
    if isinstance(value, bool | int | float | np.generic):
        return kind(value)
    array = value if hasattr(value, "astype") else np.asarray(value)
    return array.astype({bool: np.bool_, int: np.int32, float: np.float32}[kind])


def _check_switch(name: str, value: Any) -> None:
    numeric = isinstance(value, int | float) or np.asarray(value).dtype.kind in "biuf"
    if not numeric or not np.isin(value, (0, 1)).all():
        raise TypeError(f"{name} must be true or false, got {value!r}")


def check_range(params: Any, low: str, high: str) -> None:
    """Rejects params in which the lower end of a range, given by two of their knobs, is above the upper one.

    Raises:
        ValueError: by the knobs' names.
    """
    least, most = known_number(getattr(params, low)), known_number(getattr(params, high))
    if least is not None and most is not None and least > most:
        raise ValueError(f"{low} must be at most {high} = {most:g}, got {least:g}")
