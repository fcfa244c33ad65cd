"""Flags made from the dataclasses that declare the settings, and those that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from koki2_envs.knobs import KnobSpec, check_knob, spec_of
from koki2_envs.ladder import RUNGS, rung
from koki2_envs.params import STRUCTURE
from koki2_train.experiment import ALIASES, Experiment, parse_setting, setting_fields
from koki2_train.platform_setup import available_cores
from koki2_train.processes import Meeting

SEED = click.IntRange(0, 2**32 - 1)
"""What a seed can be; JAX would cut off the bits of a longer one, and give two seeds the same run."""
COUNT = click.IntRange(1, 2**31 - 1)
"""A number of things that must be counted in 32 bits."""
DEVICES = click.IntRange(1, max(64, available_cores()))
"""Over how many devices a population can be spread; XLA gives up on many more CPU devices than cores."""
_MAX_SEEDS = 10_000

F = TypeVar("F", bound=Callable[..., Any])

_GROUPS = (
    "life",
    "world",
    "sources",
    "threats",
    "body",
    "senses",
    "reward",
    "brain",
    "evolution",
    "validation",
    "viability",
)


resume_option = click.option("--resume", is_flag=True, help="Go on with what is in --out.")
devices_option = click.option("--devices", type=DEVICES, help="Spread the population over N devices.  [default: all]")
compilation_cache_option = click.option(
    "--compilation-cache/--no-compilation-cache", default=True, help="Keep compiled programs.  [default: on]"
)
adult_option = click.option("--adult", is_flag=True, help="Without nursing: every schedule at its end.")
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")


def distributed_options(command: F) -> F:
    """Adds ``--distributed`` and what belongs to it; :func:`take_meeting` reads them."""
    for option in (
        click.option("--join-seconds", type=click.FloatRange(1, 1e6), help="How long to wait.  [default: 300]"),
        click.option("--process-id", type=int, help="Which of them this is; 0 leads, and alone writes and prints."),
        click.option("--num-processes", type=int, help="How many there are."),
        click.option("--coordinator", metavar="HOST:PORT", help="Where process 0 listens for the others."),
        click.option("--distributed", is_flag=True, help="Share the work with other processes, on any hosts."),
    ):
        command = option(command)
    return command


def take_meeting(options: dict[str, Any]) -> Meeting | None:
    """Removes the flags of :func:`distributed_options` from a command's options; None where it works alone."""
    distributed = options.pop("distributed")
    values = {name: options.pop(name) for name in ("coordinator", "num_processes", "process_id", "join_seconds")}
    given = {name: value for name, value in values.items() if value is not None}
    if not distributed:
        for name in given:
            raise click.UsageError(f"--{name.replace('_', '-')} goes with --distributed")
        return None
    try:
        return Meeting(**given)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


class SettingType(click.ParamType):
    """A setting's value as written on the command line, checked against its declaration."""

    def __init__(self, setting: str, field: Any):
        self.setting, self.field = setting, field
        scheduled = field is not None and spec_of(field).scheduled
        kind = "int" if field is None else type(field.default).__name__
        self.name = f"{kind}|schedule" if scheduled else kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The checked value."""
        if not isinstance(value, str):
            return value
        try:
            parsed = parse_setting(self.setting, value)
            if self.field is None:
                return STRUCTURE[self.setting].check(self.setting, parsed)
            return check_knob(self.setting, parsed, self.field)
        except (ValueError, TypeError) as error:
            self.fail(str(error), param, ctx)


class SettingOption(click.Option):
    """A flag for a setting, listed under the setting's group."""

    def __init__(self, *arguments: Any, group: str, **keywords: Any):
        super().__init__(*arguments, **keywords)
        self.group = group


class GroupedCommand(click.Command):
    """A command whose help lists its settings by group."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The command's own options first, then the settings by group."""
        groups: dict[str, list[tuple[str, str]]] = {"options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                group = parameter.group if isinstance(parameter, SettingOption) else "options"
                groups.setdefault(group, []).append(record)
        for name in ("options", *_GROUPS):
            if groups.get(name):
                with formatter.section(name.capitalize()):
                    formatter.write_dl(groups[name])


def setting_flags() -> dict[str, tuple[KnobSpec, Any]]:
    """Specification and field (None for structure) of every setting of every rung."""
    flags: dict[str, tuple[KnobSpec, Any]] = {name: (s.spec, None) for name, s in STRUCTURE.items()}
    for row in RUNGS.values():
        flags |= {name: (spec_of(field), field) for name, field in setting_fields(row).items()}
    return flags


def setting_options(groups: tuple[str, ...] = _GROUPS) -> Callable[[F], F]:
    """A decorator that adds a flag for every setting of the groups; the command gets those given as ``settings``."""

    def decorate(command: F) -> F:
        names = {setting: short for short, setting in ALIASES.items()}
        for setting, (spec, field) in reversed(setting_flags().items()):
            if spec.group not in groups:
                continue
            flag = f"--{names.get(setting, setting).replace('_', '-')}"
            about = f"{spec.doc}{f' [{spec.unit}]' if spec.unit else ''}"
            common: dict[str, Any] = {"group": spec.group, "cls": SettingOption, "default": None}
            if field is not None and isinstance(field.default, bool):
                declaration = f"{flag}/--no-{flag[2:]}"
                option = click.option(declaration, setting, help=about, **common)
            else:
                allowed = f"; {spec.allowed}" if spec.low is not None or spec.high is not None else ""
                kind = SettingType(setting, field)
                option = click.option(flag, setting, type=kind, help=f"{about}{allowed}", **common)
            command = option(command)
        return command

    return decorate


def build_experiment(rung_name: str, settings: Mapping[str, Any]) -> Experiment:
    """The experiment, with errors as usage errors."""
    try:
        return Experiment.build(rung_name, settings)
    except (ValueError, TypeError) as error:
        raise click.UsageError(str(error)) from None


def check_rung(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    """Click callback: refuses rungs that are not there."""
    try:
        return rung(value).id
    except ValueError as error:
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
