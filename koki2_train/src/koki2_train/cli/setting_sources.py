"""Sources of settings on a command line: flags, files, presets, assignments and nursing, and how they are joined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from koki2_train.cli.completion import complete_nursing, complete_presets, complete_settings
from koki2_train.cli.options import PATH
from koki2_train.experiment import sources
from koki2_train.experiment.brain_nursing import NURSING_NAMES, parse_strengths
from koki2_train.experiment.registration import DEFAULT_PARTS, REGISTRIES
from koki2_train.experiment.settings import NURSING, join_settings, setting_flags

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def common_setting_sources(command: F) -> F:
    """Adds ``--config``, ``--preset``, ``--set`` and ``--nursing``."""
    names, presets = ", ".join(NURSING_NAMES), ", ".join(sources.preset_names())
    for option in (
        click.option(
            "--nursing",
            "nursings",
            multiple=True,
            metavar="NAME[:STRENGTH]",
            shell_complete=complete_nursing,
            help=f"A protected childhood, of strength 0 to 1: {names}.",
        ),
        click.option(
            "--set",
            "assignments",
            multiple=True,
            metavar="KEY=VALUE",
            help="Any setting by name.",
            shell_complete=complete_settings,
        ),
        click.option(
            "--preset",
            "presets",
            multiple=True,
            metavar="NAME",
            help=f"Shipped settings: {presets}.",
            shell_complete=complete_presets,
        ),
        click.option("--config", "configs", multiple=True, type=PATH, help="Settings in TOML."),
    ):
        command = option(command)
    return command


def take_settings(options: dict[str, Any]) -> dict[str, Any]:
    """Removes all settings from a command's options and joins them: flags over --set over --config over --preset."""
    joined: dict[str, Any] = {}
    for part, registry in REGISTRIES.items():
        if name := options.get(part):
            _named(f"--{part}", registry.__getitem__, name)  # its settings must be known before values are read
    for name in options.pop("presets", ()):
        joined = join_settings(joined, _named("--preset", sources.read_preset, name))
    for path in options.pop("configs", ()):
        joined = join_settings(joined, _named(f"--config {path}", sources.read_settings_file, path))
    joined = join_settings(joined, take_assignments(options.pop("assignments", ())))
    if texts := options.pop("nursings", ()):
        strengths = _named("--nursing", parse_strengths, "+".join(texts))
        joined = join_settings(joined, {NURSING: strengths})
    flags = {name: options.pop(name) for name in list(options) if name in (*DEFAULT_PARTS, *setting_flags())}
    return joined | {name: value for name, value in flags.items() if value is not None}


def take_assignments(assignments: tuple[str, ...], flag: str = "--set") -> dict[str, Any]:
    """Settings from ``key=value`` texts."""
    return _named(flag, sources.parse_assignments, assignments)


def _named(flag: str, read: Callable[[Any], T], argument: Any) -> T:
    """What is read, with errors as usage errors that name the flag."""
    try:
        return read(argument)
    except (ValueError, TypeError) as error:
        separator = " " if str(error).startswith(("takes", "'", '"')) else ": "
        raise click.UsageError(f"{flag}{separator}{error}") from None
