"""Settings by name: which there are, and how their values are written on a command line or in a file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from koki2_envs.knobs import KnobSpec, Schedule, knob_fields, spec_of
from koki2_envs.ladder import RUNGS, Rung
from koki2_envs.suggestions import did_you_mean
from koki2_train.experiment.brain_nursing import check_strengths, parse_strengths
from koki2_train.experiment.registration import DEFAULT_PARTS, REGISTRIES
from koki2_train.experiment.sections import EvolutionSettings, ValidationSettings, ViabilitySettings
from koki2_train.experiment.settings_base import Settings

T = TypeVar("T")

SECTIONS: dict[str, type[Settings]] = {
    "evolution": EvolutionSettings,
    "mvt": ViabilitySettings,
    "validation": ValidationSettings,
}
ALIASES = {"steps": "max_steps_in_episode"}
"""Shorter names under which settings are also known."""
NURSING = "nursing"
"""The setting that makes schedules of others: strengths by the names of presets
(:data:`koki2_train.experiment.brain_nursing.NURSING_NAMES`)."""


def known_settings(row: Rung, parts: Mapping[str, str]) -> dict[str, dataclasses.Field[Any]]:
    """The fields of all settings of a rung with such a brain, genome and strategy but its structure, by name.

    Args:
        row: the rung.
        parts: the names of brain, genome and strategy, by ``"brain"``, ``"genome"`` and ``"strategy"``.

    Raises:
        ValueError: an unknown part, or two that share the name of a setting.
    """
    groups: dict[str, Any] = {f"rung {row.id}": row.params, **SECTIONS}
    groups |= {f"{kind} {name!r}": REGISTRIES[kind][name].settings for kind, name in parts.items()}
    owner: dict[str, str] = {}
    fields: dict[str, dataclasses.Field[Any]] = {}
    for group, section in groups.items():
        for name, field in knob_fields(section).items():
            if name in owner:
                raise ValueError(f"{group} and {owner[name]} both have a setting called {name}; rename one")
            owner[name], fields[name] = group, field
    return fields


def reject_unknown(row: Rung, parts: Mapping[str, str], settings: Mapping[str, Any]) -> None:
    """Rejects settings that a rung with such a brain, genome and strategy does not have.

    Raises:
        ValueError: naming the first one, and what is close to it.
    """
    known = [*known_settings(row, parts), *row.structure]
    for name in settings:
        if name in known:
            continue
        for kind, registry in REGISTRIES.items():
            if name in registry.fields():
                raise ValueError(f"unknown setting {name!r}; the {kind} {parts[kind]!r} has none")
        elsewhere, close = name in all_setting_names(), [*known, *ALIASES, *DEFAULT_PARTS, NURSING]
        raise ValueError(
            f"unknown setting {name!r}" + (f"; {row.id} has none" if elsewhere else did_you_mean(name, close))
        )


Flags = dict[str, tuple[KnobSpec, Any]]
"""Settings by name: specification and field, or None for an argument of a world's constructor."""


def fields_of(section: Any) -> Flags:
    """The settings that a params class or a class of settings declares."""
    return {name: (spec_of(field), field) for name, field in knob_fields(section).items()}


def rung_settings(row: Rung) -> Flags:
    """The settings of a rung's world. Those of a custom rung are known from now on, as registered ones are."""
    if row.id not in RUNGS:
        _CUSTOM_RUNGS[row.id] = row
    return {name: (row.structure_spec(name).spec, None) for name in row.structure} | fields_of(row.params)


_CUSTOM_RUNGS: dict[str, Rung] = {}


def setting_flags() -> Flags:
    """Every setting of every rung and registered part."""
    flags: Flags = {}
    for row in (*RUNGS.values(), *list(_CUSTOM_RUNGS.values())):
        flags |= rung_settings(row)
    for registry in REGISTRIES.values():
        flags |= {name: (spec_of(field), field) for name, field in registry.fields().items()}
    for section in SECTIONS.values():
        flags |= fields_of(section)
    return flags


def all_setting_names() -> set[str]:
    """Every setting of every rung and registered part."""
    return {NURSING, *DEFAULT_PARTS, *setting_flags()}


def join_settings(settings: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Both, ``more`` winning; of ``nursing``, by the presets' names."""
    joined = {**settings, **more}
    if NURSING in settings and NURSING in more:
        joined[NURSING] = {**read_setting(NURSING, settings[NURSING]), **read_setting(NURSING, more[NURSING])}
    return joined


def by_full_name(settings: Iterable[tuple[str, T]]) -> dict[str, T]:
    """Settings that one source gives, with :data:`ALIASES` replaced by what they stand for.

    Raises:
        ValueError: one is given twice, under whatever names.
    """
    found: dict[str, T] = {}
    written: dict[str, str] = {}
    for name, value in settings:
        full = ALIASES.get(name, name)
        if full in found:
            twice = f"{name} is" if written[full] == name else f"{written[full]} and {name} are the same setting,"
            raise ValueError(f"{twice} given twice")
        found[full], written[full] = value, name
    return found


def read_setting(name: str, value: Any) -> Any:
    """A setting's value as Python, TOML or a command line gives it: text, or what the text stands for.

    Args:
        name: the setting.
        value: a number or switch; text, as :func:`parse_setting` takes it; or a mapping, of strengths for ``nursing``
            and of ``start``, ``end``, ``from_phi`` and ``to_phi`` for a schedule.

    Raises:
        ValueError, TypeError: by name; ranges are checked when an experiment is built.
    """
    if isinstance(value, str):
        return parse_setting(name, value)
    if name in REGISTRIES:
        raise TypeError(f"{name} must be a name, got {value!r}")
    if name == NURSING:
        if not isinstance(value, Mapping):
            raise TypeError(f"{name} must be NAME:STRENGTH or a table of strengths, got {value!r}")
        return check_strengths(value)
    if isinstance(value, Mapping):
        if not {"start", "end"} <= value.keys() <= {"start", "end", "from_phi", "to_phi"}:
            raise ValueError(f"{name}: a schedule has start, end, from_phi, to_phi; got {sorted(value)}")
        return _checked_schedule(name, **value)
    if isinstance(value, Schedule):
        parts = (value.start, value.end, value.from_phi, value.to_phi)
        return _checked_schedule(name, *(_one_value(name, part) for part in parts))
    return _one_value(name, value)


def _one_value(name: str, value: Any) -> Any:
    """A value as plain Python where NumPy or JAX gives it; several are rejected."""
    if isinstance(value, list | tuple) or getattr(value, "ndim", 0) > 0:
        raise TypeError(f"{name} must be one value, got {value!r}")
    return value.item() if hasattr(value, "item") else value


def parse_setting(name: str, text: str) -> Any:
    """Reads a setting's value as it is written on a command line.

    Numbers, ``true``/``false``, the names of a setting's choices, schedules as ``start:end@from:to`` or ``start:end``
    (over the whole life), ``nursing`` as ``name:strength+name:strength``, and the names of brain, genome and strategy.

    Args:
        name: the setting.
        text: its value.

    Raises:
        ValueError: an unknown setting, or text that is no such value; the message names both.
    """
    name = ALIASES.get(name, name)
    if name == NURSING:
        return parse_strengths(text)
    if name in REGISTRIES:
        REGISTRIES[name][text]  # rejects an unknown one, and imports a custom one so that its settings are known
        return text
    flags = setting_flags()
    if name not in flags:
        raise ValueError(f"unknown setting {name!r}{did_you_mean(name, sorted(all_setting_names()))}")
    spec, field = flags[name]
    kind = int if field is None else type(field.default)
    if kind is str:
        return text
    if ":" in text:
        if not spec.scheduled:
            raise ValueError(f"{name} cannot be a schedule, got {text!r}")
        return _schedule(name, text)
    if spec.choices and not text.isdecimal():
        if text not in spec.choices:
            raise ValueError(f"{name} must be {spec.allowed}, got {text!r}")
        return spec.choices.index(text)
    return _switch(name, text) if kind is bool else _number(name, text, kind)


_WORDS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def _switch(name: str, text: str) -> bool:
    if text.lower() not in _WORDS:
        raise ValueError(f"{name} must be true or false, got {text!r}")
    return _WORDS[text.lower()]


def _schedule(name: str, text: str) -> Schedule:
    values, separator, phases = text.partition("@")
    parts = [*values.split(":"), *(phases.split(":") if separator else ("0", "1"))]
    try:
        start, end, from_phi, to_phi = (float(part) for part in parts)
    except ValueError:
        raise ValueError(f"{name} must be a number or a schedule start:end@from:to, got {text!r}") from None
    return _checked_schedule(name, start, end, from_phi, to_phi)


def _checked_schedule(name: str, *values: Any, **named: Any) -> Schedule:
    try:
        return Schedule(*values, **named)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{name}: {error}") from None


def _number(name: str, text: str, kind: type) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{name} must be {'a whole number' if kind is int else 'a number'}, got {text!r}") from None
