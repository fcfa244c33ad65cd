"""Nursing of brains: presets that make schedules of the brain's settings, beside those of worlds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from koki2_envs.nursing import (
    COMBINED,
    NURSING,
    Easing,
    Preset,
    check_nursing_name,
    parse_nursing,
    threefold,
    with_nursing,
)
from koki2_train.experiment.settings_base import Settings

SettingsT = TypeVar("SettingsT", bound=Settings)

BRAIN_NURSING: dict[str, Preset] = {
    "plasticity": Preset("synapses learn three times as fast at first", (Easing("plast_eta", threefold),)),
}
"""The presets that ease settings of the brain, by name; ``combined`` holds none of them."""
NURSING_NAMES = (*NURSING, *BRAIN_NURSING, COMBINED)
"""The names of all presets, of worlds and of brains."""


def parse_strengths(text: str) -> dict[str, float]:
    """As :func:`koki2_envs.nursing.parse_nursing`, with the presets of brains."""
    return parse_nursing(text, NURSING_NAMES)


def check_strengths(strengths: Mapping[str, Any]) -> dict[str, Any]:
    """Strengths by name as they are.

    Raises:
        ValueError: there is no preset of a name.
    """
    for name in strengths:
        check_nursing_name(name, NURSING_NAMES)
    return dict(strengths)


def with_brain_nursing(settings: SettingsT, strengths: Mapping[str, Any]) -> SettingsT:
    """A brain's settings with presets of brains, as :func:`koki2_envs.nursing.with_nursing` applies those of worlds.

    Raises:
        TypeError, ValueError: as there, or a brain that does not learn.
    """
    if strengths and not getattr(settings, "plast_enabled", False):
        raise ValueError(f"nursing {next(iter(strengths))!r} needs a brain that learns within its life (plast_enabled)")
    return with_nursing(settings, strengths, BRAIN_NURSING)
