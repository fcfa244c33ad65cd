"""Sources of settings besides Python: TOML files, the presets shipped here, and ``key=value`` texts."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

from koki2_envs.suggestions import did_you_mean
from koki2_train.experiment.registration import REGISTRIES
from koki2_train.experiment.settings import (
    ALIASES,
    all_setting_names,
    by_full_name,
    join_settings,
    parse_setting,
    read_setting,
)

_PRESETS = resources.files("koki2_train") / "experiment" / "presets"


def preset_names() -> list[str]:
    """The names of the settings that are shipped."""
    return sorted(entry.name.removesuffix(".toml") for entry in _PRESETS.iterdir() if entry.name.endswith(".toml"))


def read_preset(name: str) -> dict[str, Any]:
    """Settings shipped under a name.

    Raises:
        ValueError: there are none.
    """
    known = preset_names()
    if name not in known:
        raise ValueError(f"unknown preset {name!r}{did_you_mean(name, known)}; there are {', '.join(known)}")
    return _read_toml((_PRESETS / f"{name}.toml").read_text(encoding="utf-8"))


def read_settings_file(path: Path) -> dict[str, Any]:
    """Settings from a TOML file: names at the top or in tables of any name; schedules and nursing as text or table.

    Raises:
        ValueError, TypeError: the file cannot be read, is not TOML, or has an unknown setting, one that is given twice
            or an invalid value.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # Windows writes a mark first
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{getattr(error, 'strerror', None) or error}") from None
    return _read_toml(text)


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """Settings from ``key=value`` texts, of which the last counts where a key has several.

    Raises:
        ValueError: a text of another form, an unknown setting, one that is given under two names or an invalid value;
            the message names it.
    """
    parsed: dict[str, Any] = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"takes KEY=VALUE, got {text!r}")
        name = key.strip().replace("-", "_")
        try:
            setting = {name: parse_setting(name, value.strip())}
        except ValueError as error:
            raise ValueError(f"{text!r}: {error}") from None
        parsed = join_settings(parsed, setting)
    return by_full_name(parsed.items())


def _read_toml(text: str) -> dict[str, Any]:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"not TOML: {error}") from None
    entries: list[tuple[str, Any]] = []
    for key, value in data.items():
        is_table = key in REGISTRIES or key not in (*all_setting_names(), *ALIASES)
        inside = isinstance(value, dict) and is_table
        entries += value.items() if inside else [(key, value)]
    entries.sort(key=lambda entry: entry[0] not in REGISTRIES)  # a custom class brings settings of its own
    settings: list[tuple[str, Any]] = []
    for name, entry in entries:
        known = {*all_setting_names(), *ALIASES}
        if name not in known:
            raise ValueError(f"unknown setting {name!r}{did_you_mean(name, sorted(known))}")
        settings.append((name, read_setting(ALIASES.get(name, name), entry)))
    return by_full_name(settings)
