"""Where settings come from besides flags of their own: files, presets, assignments, nursing; and how all are joined."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import click

from koki2_envs import nursing
from koki2_envs.knobs import Schedule, did_you_mean
from koki2_train.cli.options import setting_flags
from koki2_train.experiment import ALIASES, NURSING, join_settings, parse_setting

F = TypeVar("F", bound=Callable[..., Any])


def common_setting_sources(command: F) -> F:
    """Adds ``--config``, ``--preset``, ``--set`` and ``--nursing``."""
    names = ", ".join((*nursing.NURSING, nursing.COMBINED))
    for option in (
        click.option(
            "--nursing",
            "nursings",
            multiple=True,
            metavar="NAME[:STRENGTH]",
            help=f"A protected childhood, of strength 0 to 1: {names}.",
        ),
        click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any setting by name."),
        click.option(
            "--preset", "presets", multiple=True, metavar="NAME", help=f"Shipped settings: {_preset_names()}."
        ),
        click.option("--config", "configs", multiple=True, type=click.Path(path_type=Path), help="Settings in TOML."),
    ):
        command = option(command)
    return command


def take_settings(options: dict[str, Any]) -> dict[str, Any]:
    """Removes all settings from a command's options and joins them: flags over --set over --config over --preset."""
    joined: dict[str, Any] = {}
    for name in options.pop("presets", ()):
        joined = join_settings(joined, read_preset(name))
    for path in options.pop("configs", ()):
        joined = join_settings(joined, _read_toml(str(path), _text_of(path)))
    joined = join_settings(joined, parse_assignments(options.pop("assignments", ())))
    joined = join_settings(joined, _parse_nursings(options.pop("nursings", ())))
    flags = {name: options.pop(name) for name in list(options) if name in setting_flags()}
    return joined | {name: value for name, value in flags.items() if value is not None}


def _parse_nursings(texts: tuple[str, ...]) -> dict[str, Any]:
    try:
        return {NURSING: nursing.parse_nursing("+".join(texts))} if texts else {}
    except ValueError as error:
        raise click.UsageError(f"--nursing: {error}") from None


def parse_assignments(assignments: tuple[str, ...], flag: str = "--set") -> dict[str, Any]:
    """Settings from ``key=value`` texts."""
    parsed: dict[str, Any] = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"{flag} takes KEY=VALUE, got {text!r}")
        name = key.strip().replace("-", "_")
        try:
            setting = {ALIASES.get(name, name): parse_setting(name, value.strip())}
        except ValueError as error:
            raise click.UsageError(f"{flag} {text!r}: {error}") from None
        parsed = join_settings(parsed, setting)
    return parsed


def read_preset(name: str) -> dict[str, Any]:
    """Settings shipped under a name."""
    folder = resources.files("koki2_train") / "presets"
    known = _preset_names().split(", ")
    if name not in known:
        raise click.UsageError(
            f"--preset: unknown preset {name!r}{did_you_mean(name, known)}; there are {', '.join(known)}"
        )
    return _read_toml(f"preset {name}", (folder / f"{name}.toml").read_text())


def _preset_names() -> str:
    folder = resources.files("koki2_train") / "presets"
    return ", ".join(
        sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))
    )


def _text_of(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"--config {path}: {getattr(error, 'strerror', None) or error}") from None


def _read_toml(source: str, text: str) -> dict[str, Any]:
    """Settings from TOML: names at the top or in tables of any name; schedules and nursing as text or as a table."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise click.UsageError(f"{source}: not TOML: {error}") from None
    known = {**setting_flags(), **ALIASES, NURSING: None}
    settings: dict[str, Any] = {}
    for key, value in data.items():
        inside = value if isinstance(value, dict) and key not in known else {key: value}
        for name, entry in inside.items():
            if name not in known:
                raise click.UsageError(f"{source}: unknown setting {name!r}{did_you_mean(name, known)}")
            try:
                setting = {ALIASES.get(name, name): _toml_value(name, entry)}
            except (ValueError, TypeError) as error:
                raise click.UsageError(f"{source}: {name}: {error}") from None
            settings = join_settings(settings, setting)
    return settings


def _toml_value(name: str, entry: Any) -> Any:
    if isinstance(entry, str):
        return parse_setting(name, entry)
    if name == NURSING:
        if not isinstance(entry, dict):
            raise TypeError(f"must be NAME:STRENGTH or a table of strengths, got {entry}")
        return entry
    if isinstance(entry, dict):
        if not {"start", "end"} <= entry.keys() <= {"start", "end", "from_phi", "to_phi"}:
            raise ValueError(f"a schedule has start, end, from_phi, to_phi; got {sorted(entry)}")
        return Schedule(**entry)
    if isinstance(entry, list):
        raise TypeError(f"must be one value, got {entry}")
    return entry
