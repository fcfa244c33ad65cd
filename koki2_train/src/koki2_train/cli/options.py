"""Options: flags generated from the dataclasses that declare the settings, and flags that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from koki2_envs.knobs import KnobSpec, check_knob, check_number
from koki2_envs.ladder import rung
from koki2_envs.suggestions import did_you_mean
from koki2_train.cli.completion import complete_parts, complete_rungs
from koki2_train.distributed.processes import ClusterAddress
from koki2_train.experiment import Experiment
from koki2_train.experiment.registration import DEFAULT_PARTS, REGISTRIES
from koki2_train.experiment.settings import ALIASES, parse_setting, setting_flags
from koki2_train.runtime.jax_setup import available_cores


class PathType(click.Path):
    """A path, and not an empty text, which would be the working directory."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path."""
        if value == "":
            self.fail("must not be empty", param, ctx)
        return super().convert(value, param, ctx)


class NamedChoice(click.Choice[str]):
    """One of several names; the message for another one says which is close."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """What is said of another name."""
        return f"{value!r} is not one of {', '.join(map(repr, self.choices))}{did_you_mean(str(value), self.choices)}"


PATH = PathType(path_type=Path)
SEED = click.IntRange(0, 2**32 - 1)
"""A seed; JAX would cut off the bits of a longer one, and give two seeds the same run."""
COUNT = click.IntRange(1, 2**31 - 1)
"""A number of things, counted in 32 bits."""
DEVICES = click.IntRange(1, max(64, available_cores()))
"""Over how many devices a population can be spread; XLA gives up on many more CPU devices than cores."""
_MAX_SEEDS = 10_000

F = TypeVar("F", bound=Callable[..., Any])


def check_rung(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    """Click callback: rejects unknown rungs."""
    try:
        rung(value)
    except (ValueError, TypeError) as error:
        raise click.UsageError(str(error)) from None
    return value


rung_argument = click.argument("rung", callback=check_rung, shell_complete=complete_rungs)
resume_option = click.option("--resume", is_flag=True, help="Continue what is in --out.")
devices_option = click.option("--devices", type=DEVICES, help="How many devices.  [default: all]")
compilation_cache_option = click.option(
    "--compilation-cache/--no-compilation-cache", default=True, help="Keep compiled programs.  [default: on]"
)
adult_option = click.option("--adult", is_flag=True, help="Without nursing: every schedule at its end.")
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")


def distributed_options(command: F) -> F:
    """Adds ``--distributed`` and what belongs to it; :func:`take_address` reads them."""
    for option in (
        click.option("--join-seconds", type=click.FloatRange(1, 1e6), help="How long to wait.  [default: 300]"),
        click.option("--process-id", type=int, help="Which of them this is; 0 leads, and alone writes and prints."),
        click.option("--num-processes", type=int, help="How many there are."),
        click.option("--coordinator", metavar="HOST:PORT", help="Where process 0 listens for the others."),
        click.option("--distributed", is_flag=True, help="Share the work with other processes, on any hosts."),
    ):
        command = option(command)
    return command


def take_address(options: dict[str, Any]) -> ClusterAddress | None:
    """Removes the flags of :func:`distributed_options` from a command's options; None where it works alone."""
    distributed = options.pop("distributed")
    values = {name: options.pop(name) for name in ("coordinator", "num_processes", "process_id", "join_seconds")}
    given = {name: value for name, value in values.items() if value is not None}
    if not distributed:
        for name in given:
            raise click.UsageError(f"--{name.replace('_', '-')} goes with --distributed")
        return None
    try:
        return ClusterAddress(**given)
    except ValueError as error:
        message = str(error)
        for name in values:
            message = message.replace(name, f"--{name.replace('_', '-')}")
        raise click.UsageError(message) from None


class SettingType(click.ParamType):
    """A setting's value as written on the command line, checked against its declaration."""

    def __init__(self, setting: str, spec: KnobSpec, field: Any):
        self.setting, self.spec, self.field = setting, spec, field
        kind = "int" if field is None else type(field.default).__name__
        self.name = "|".join(spec.choices) or (f"{kind}|schedule" if spec.scheduled else kind)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The checked value."""
        if not isinstance(value, str):
            return value
        try:
            parsed = parse_setting(self.setting, value)
            if self.field is None:
                check_number(self.setting, parsed, self.spec)
                return parsed
            return check_knob(self.setting, parsed, self.field)
        except (ValueError, TypeError) as error:
            self.fail(str(error), param, ctx)


class SettingOption(click.Option):
    """A flag for a setting, listed under the setting's group."""

    def __init__(self, *arguments: Any, group: str, **keywords: Any):
        super().__init__(*arguments, **keywords)
        self.group = group


def setting_parameters(settings: Mapping[str, tuple[KnobSpec, Any]]) -> list[click.Option]:
    """A flag for every setting, given with its specification and field (None for structure)."""
    names = {setting: short for short, setting in ALIASES.items()}
    options: list[click.Option] = []
    for setting, (spec, field) in settings.items():
        flag = f"--{names.get(setting, setting).replace('_', '-')}"
        about = f"{spec.doc}{f' [{spec.unit}]' if spec.unit else ''}"
        common: dict[str, Any] = {"group": spec.group, "default": None}
        if field is not None and isinstance(field.default, bool):
            options.append(SettingOption([f"{flag}/--no-{flag[2:]}", setting], help=about, **common))
        else:
            bounded = (spec.low is not None or spec.high is not None) and not spec.choices
            allowed = f"; {spec.allowed}" if bounded else ""
            kind = SettingType(setting, spec, field)
            choices = {"metavar": kind.name} if spec.choices else {}  # click would write them in capitals
            options.append(SettingOption([flag, setting], type=kind, help=about + allowed, **choices, **common))
    return options


def setting_options(groups: tuple[str, ...] | None = None) -> Callable[[F], F]:
    """A decorator that adds a flag for every setting of some groups (of all where None); see ``take_settings``."""

    def decorate(command: F) -> F:
        chosen = {name: entry for name, entry in setting_flags().items() if groups is None or entry[0].group in groups}
        for option in reversed(setting_parameters(chosen)):
            _add_parameter(command, option)
        return command

    return decorate


def part_options(command: F) -> F:
    """Adds ``--brain``, ``--genome`` and ``--strategy``."""
    about = {"brain": "Brain", "genome": "Genome", "strategy": "Search strategy"}
    for part in reversed(DEFAULT_PARTS):
        names = ", ".join(REGISTRIES[part])
        text = f"{about[part]}: {names}, or module:Class.  [default: {DEFAULT_PARTS[part]}]"
        command = click.option(f"--{part}", metavar="NAME", help=text, shell_complete=complete_parts(part))(command)
    return command


def _add_parameter(command: Any, option: click.Option) -> None:
    """Adds an option to a function that will be a command, as ``click.option`` does."""
    if not hasattr(command, "__click_params__"):
        command.__click_params__ = []
    command.__click_params__.append(option)


def build_experiment(rung_name: str, settings: Mapping[str, Any]) -> Experiment:
    """The experiment, with errors as usage errors."""
    try:
        return Experiment.build(rung_name, settings)
    except (ValueError, TypeError) as error:
        raise click.UsageError(str(error)) from None


def parse_seeds(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    """Click callback for ``0:5`` or ``0,3,7``."""
    if value is None:
        return None
    try:
        if ":" in value:
            first, last = (int(part) for part in value.split(":"))
            seeds = tuple(range(first, min(last, first + _MAX_SEEDS + 1)))
        else:
            seeds = tuple(int(part) for part in value.split(","))
    except ValueError:
        seeds = ()
    if not seeds or len(set(seeds)) != len(seeds):
        raise click.BadParameter(f"must be FIRST:END or a list such as 0,3,7 of distinct seeds, got {value!r}")
    if min(seeds) < SEED.min or max(seeds) > SEED.max or len(seeds) > _MAX_SEEDS:  # type: ignore[operator]
        raise click.BadParameter(f"must be at most {_MAX_SEEDS} seeds from {SEED.min} to {SEED.max}, got {value!r}")
    return seeds
