"""Knob titles: what varies in a study, in words and with its unit."""

from __future__ import annotations

from koki2_envs.knobs import KnobSpec, knob_fields, spec_of
from koki2_envs.ladder import rung
from koki2_envs.nursing import COMBINED
from koki2_train.experiment.brain_nursing import NURSING_NAMES
from koki2_train.experiment.settings import ALIASES, NURSING, setting_flags


def short_title(rung_name: str, name: str) -> str:
    """A few words, such as ``strength of sensory gating`` or ``sense radius (cells)``."""
    words = name.replace("_", " ")
    if name in NURSING_NAMES:
        return f"strength of {words}" + " nursing" * (name == COMBINED)
    spec = _spec(rung_name, name)
    return f"{words} ({spec.unit})" if spec and spec.unit else words


def long_title(rung_name: str, name: str) -> str:
    """The short title and what it means."""
    if name == NURSING:
        return "nursing (preset, or preset:strength)"
    if name in NURSING_NAMES:
        return f"{short_title(rung_name, name)} (0 is none, 1 is full nursing)"
    spec = _spec(rung_name, name)
    return short_title(rung_name, name) + (f": {spec.doc}" if spec else "")


def _spec(rung_name: str, name: str) -> KnobSpec | None:
    try:
        fields = knob_fields(rung(rung_name).params)
    except ValueError:  # a rung that is not registered here
        return None
    name = ALIASES.get(name, name)
    if name in fields:
        return spec_of(fields[name])
    return setting_flags()[name][0] if name in setting_flags() else None
