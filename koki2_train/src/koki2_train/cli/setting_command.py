"""Commands with a flag for every setting: a short help for a rung, all of it, and the settings of custom parts."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import pairwise, zip_longest
from typing import Any

import click
from click.shell_completion import CompletionItem

from koki2_envs.knobs import KnobSpec
from koki2_envs.ladder import rung
from koki2_train.cli.completion import settings_of
from koki2_train.cli.options import SettingOption, SettingType, build_experiment, setting_parameters
from koki2_train.cli.output import printable
from koki2_train.cli.setting_sources import take_settings
from koki2_train.experiment import Experiment
from koki2_train.experiment.registration import DEFAULT_PARTS, REGISTRIES
from koki2_train.experiment.settings import fields_of, rung_settings

GROUPS = (
    "life",
    "world",
    "sources",
    "threats",
    "body",
    "senses",
    "reward",
    "brain",
    "plasticity",
    "genome",
    "strategy",
    "evolution",
    "validation",
    "viability",
)

_RARE = {
    "brain", "genome", "strategy", "checkpoint_seconds", "compilation_cache", "log_every", "distributed", "coordinator",
    "num_processes", "process_id", "join_seconds", "test_seed", "test_world",
}  # fmt: skip
"""Options that the short help leaves out, or shows among the settings."""


class SettingCommand(click.Command):
    """A command with a flag for every setting, also for those of custom rungs, brains, genomes and strategies.

    With a rung, ``--help`` lists the settings that it has with their values, as the other flags set them, and
    ``--help-all`` explains them. Without a rung, ``--help-all`` has the flags of all rungs.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, with flags for the settings of a custom rung, brain, genome or strategy."""
        options = [parameter for parameter in self.params if isinstance(parameter, click.Option)]
        switches = {name for option in options if option.is_flag for name in (*option.opts, *option.secondary_opts)}
        # Before processes have joined, nothing may initialise JAX; custom settings are then given with --set.
        custom = [] if "--distributed" in args or ctx.resilient_parsing else _custom_names(args, switches)
        if custom:
            _set_up_early(args)
        known = {name for option in options for name in option.opts}
        if not ctx.resilient_parsing:  # else what is typed is only looked at
            ctx.meta[_CUSTOM_SETTINGS] = [
                option for option in setting_parameters(_custom_settings(custom)) if not known & set(option.opts)
            ]
            ctx.meta[_ARGUMENTS] = list(args)
        return super().parse_args(ctx, args)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The command's parameters, and the settings of custom rungs and parts."""
        *own, help_option = super().get_params(ctx)
        all_option = click.Option(
            ["--help-all"], is_flag=True, is_eager=True, expose_value=False, callback=_show_all,
            help="All options, and what settings mean.",
        )  # fmt: skip
        return [*own, *ctx.meta.get(_CUSTOM_SETTINGS, []), help_option, all_option]

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """As click does, without the settings that the rung does not have."""
        settings = [option for option in self.params if isinstance(option, SettingOption)]
        flags = {flag: option.name for option in settings for flag in (*option.opts, *option.secondary_opts)}
        had = set(settings_of(ctx))
        items = super().shell_complete(ctx, incomplete)
        return [item for item in items if item.value not in flags or flags[item.value] in had]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options, then the settings."""
        experiment, everything = self._experiment(ctx), ctx.meta.get(_EVERYTHING, False)
        values = None if experiment is None else experiment.settings()
        records = []
        for parameter in self.get_params(ctx):
            is_option = isinstance(parameter, click.Option) and not isinstance(parameter, SettingOption)
            if is_option and (everything or parameter.name not in _RARE) and (record := parameter.get_help_record(ctx)):
                records.append(record)
        with formatter.section("Options"):
            formatter.write_dl(records)
        settings = [p for p in self.get_params(ctx) if p.name in DEFAULT_PARTS or isinstance(p, SettingOption)]
        if values is not None:
            settings = [option for option in settings if option.name in values]
        if everything:
            _explain_settings(formatter, ctx, settings, values)
        elif experiment is not None and values is not None:
            _list_settings(formatter, settings, values, experiment)
        else:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(
                    f"Every setting is a flag: `{ctx.command_path} RUNG --help` lists those of a rung with their "
                    "values, and --help-all says what each means."
                )

    def _experiment(self, ctx: click.Context) -> Experiment | None:
        """What the rest of the command line asks for; None where it names no rung."""
        args = [arg for arg in ctx.meta.get(_ARGUMENTS, []) if arg not in ("-h", "--help", "--help-all")]
        name = self.make_parser(ctx).parse_args(list(args))[0].get("rung")
        if not isinstance(name, str):
            return None
        options = self.make_context(ctx.info_name, args, parent=ctx.parent, resilient_parsing=True).params
        return build_experiment(name, take_settings(options))


def _list_settings(
    formatter: click.HelpFormatter, settings: Sequence[click.Parameter], values: dict[str, Any], experiment: Experiment
) -> None:
    """Names and values, two in a line."""
    of_world = rung_settings(rung(experiment.rung))
    of_trainer = [option for option in settings if option.name not in of_world and _matters(option, values)]
    sides = {
        f"Knobs of {experiment.rung}": [option for option in settings if option.name in of_world],
        "Settings": sorted(of_trainer, key=_place_of_group),
    }
    for title, options in sides.items():
        cells = [_flag_and_value(option, values[str(option.name)]) for option in options]
        if not cells:
            continue
        width = (formatter.width - 4) // 2
        half = -(-len(cells) // 2) if max(map(len, cells)) <= width else len(cells)
        with formatter.section(title):
            for left, right in zip_longest(cells[:half], cells[half:], fillvalue=""):
                formatter.write(f"  {left:<{width}}  {right}".rstrip() + "\n")


def _matters(option: click.Parameter, values: dict[str, Any]) -> bool:
    """Whether a setting does anything with these values: those of learning do nothing in a brain that does not."""
    of_learning = isinstance(option, SettingOption) and option.group == "plasticity"
    return not of_learning or option.name == "plast_enabled" or bool(values.get("plast_enabled", True))


def _place_of_group(option: click.Parameter) -> int:
    """Where a setting's group is listed; the names of brain, genome and strategy come first."""
    group = option.group if isinstance(option, SettingOption) else ""
    return GROUPS.index(group) if group in GROUPS else len(GROUPS) if group else -1


def _explain_settings(
    formatter: click.HelpFormatter,
    ctx: click.Context,
    settings: Sequence[click.Parameter],
    values: dict[str, Any] | None,
) -> None:
    """What each setting means, by group."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for option in settings:
        record = option.get_help_record(ctx)
        if record is not None and isinstance(option, SettingOption):
            flag, text = record
            shown = f"{text}  [{_value(option, values[str(option.name)])}]" if values else text
            groups.setdefault(option.group, []).append((flag, shown))
    for name in (*GROUPS, *sorted(groups.keys() - set(GROUPS))):
        if groups.get(name):
            with formatter.section(name.capitalize()):
                formatter.write_dl(groups[name])


def _flag_and_value(option: click.Parameter, value: Any) -> str:
    flag = option.opts[0]
    return f"{f'--[no-]{flag[2:]}' if option.secondary_opts else flag} {_value(option, value)}"


def _value(option: click.Parameter, value: Any) -> str:
    if isinstance(option.type, SettingType):
        value = option.type.spec.named(value)
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else printable(value)


def _show_all(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        ctx.meta[_EVERYTHING] = True
        click.echo(ctx.get_help())
        ctx.exit()


_ARGUMENTS, _EVERYTHING = "koki2_train.arguments", "koki2_train.everything"
_CUSTOM_SETTINGS = "koki2_train.custom_settings"
_CUSTOM_NAME = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def _custom_names(args: Sequence[str], switches: Collection[str]) -> list[tuple[str, str]]:
    """Every ``module:NAME`` on a command line that is not parsed yet, with the flag that it is the value of, or "".

    Args:
        args: the command line.
        switches: flags that take no value.
    """
    found, before = [], ""
    for arg in args:
        flag, _, value = arg.partition("=") if arg.startswith("--") else (before, "", arg)
        before = arg if arg.startswith("--") and not value and arg not in switches else ""
        is_part = flag.removeprefix("--") in REGISTRIES
        if _CUSTOM_NAME.fullmatch(value) and (is_part or not flag):
            found.append((flag, value))
    return found


def _set_up_early(args: Sequence[str]) -> None:
    """Sets JAX up as the command will, since a custom module may initialise it when it is imported."""
    from koki2_train.runtime.jax_setup import set_up

    given = [value for flag, value in pairwise(args) if flag == "--devices" and value.isdecimal()]
    given += [arg.partition("=")[2] for arg in args if arg.startswith("--devices=")]
    set_up(int(given[-1]) or None if given and given[-1].isdecimal() else None, "--no-compilation-cache" not in args)


def _custom_settings(names: Sequence[tuple[str, str]]) -> dict[str, tuple[KnobSpec, Any]]:
    """The settings of custom rungs and parts, given as :func:`_custom_names` does.

    Raises:
        click.UsageError: one cannot be imported.
    """
    found: dict[str, tuple[KnobSpec, Any]] = {}
    for flag, name in names:
        try:
            found |= (
                fields_of(REGISTRIES[flag.removeprefix("--")][name].settings) if flag else rung_settings(rung(name))
            )
        except (ValueError, TypeError) as error:
            raise click.UsageError(f"{flag}: {error}" if flag else str(error)) from None
    return found
