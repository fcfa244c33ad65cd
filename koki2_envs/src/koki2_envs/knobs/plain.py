"""Plain data: params as numbers and mappings that JSON can hold, and back. Importable without JAX."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from koki2_envs.knobs import Schedule, knob_fields
from koki2_envs.suggestions import did_you_mean

T = TypeVar("T")


def to_dict(params: Any) -> dict[str, Any]:
    """A params instance as plain numbers, and schedules as ``{"start", "end", "from_phi", "to_phi"}``."""
    return {name: to_plain(getattr(params, name)) for name in knob_fields(params)}


def to_plain(value: Any) -> Any:
    """A knob's value as plain numbers, and a schedule as ``{"start", "end", "from_phi", "to_phi"}``."""
    if isinstance(value, Schedule):
        return {field.name: _plain(np.asarray(getattr(value, field.name))) for field in dataclasses.fields(value)}
    return value if isinstance(value, bool | int | float | str) else _plain(value)


def _plain(value: Any) -> Any:
    return value.item() if np.ndim(value) == 0 and hasattr(value, "item") else np.asarray(value).tolist()


def from_dict(cls: type[T], values: Mapping[str, Any]) -> T:
    """The inverse of :func:`to_dict`; absent knobs take their defaults.

    Raises:
        ValueError, TypeError: an unknown knob or an invalid value, by name.
    """
    known = knob_fields(cls)

    for name in values:
        if name not in known:
            raise ValueError(f"unknown knob {name!r}{did_you_mean(name, known)}")
    return cls(**{name: from_plain(name, value) for name, value in values.items()})


def from_plain(name: str, value: Any) -> Any:
    """The inverse of :func:`to_plain`, for the knob of that name.

    Raises:
        ValueError: a mapping that is not a schedule.
    """
    if not isinstance(value, Mapping):
        return np.asarray(value) if isinstance(value, list) else value
    names = [field.name for field in dataclasses.fields(Schedule)]
    if not {"start", "end"} <= value.keys() <= set(names):
        raise ValueError(f"{name}: a schedule has start, end, from_phi, to_phi; got {sorted(value)}")
    return Schedule(**value)
