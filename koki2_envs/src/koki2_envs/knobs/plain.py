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

    def plain(value: Any) -> Any:
        return value.item() if np.ndim(value) == 0 and hasattr(value, "item") else np.asarray(value).tolist()

    def encode(value: Any) -> Any:
        if isinstance(value, Schedule):
            return {f.name: plain(np.asarray(getattr(value, f.name))) for f in dataclasses.fields(value)}
        return value if isinstance(value, bool | int | float) else plain(value)

    return {name: encode(getattr(params, name)) for name in knob_fields(params)}


def from_dict(cls: type[T], values: Mapping[str, Any]) -> T:
    """The inverse of :func:`to_dict`; absent knobs take their defaults.

    Raises:
        ValueError, TypeError: an unknown knob or an invalid value, by name.
    """
    known = knob_fields(cls)

    def decode(name: str, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return np.asarray(value) if isinstance(value, list) else value
        names = [field.name for field in dataclasses.fields(Schedule)]
        if not {"start", "end"} <= value.keys() <= set(names):
            raise ValueError(f"{name}: a schedule has start, end, from_phi, to_phi; got {sorted(value)}")
        return Schedule(**value)

    for name in values:
        if name not in known:
            raise ValueError(f"unknown knob {name!r}{did_you_mean(name, known)}")
    return cls(**{name: decode(name, value) for name, value in values.items()})
