"""Completion in a shell: rungs, presets, nursing, parts and settings.

Imports no JAX and no module of a custom part, so that it is quick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

from koki2_envs.ladder import RUNGS
from koki2_train.experiment import sources
from koki2_train.experiment.brain_nursing import NURSING_NAMES
from koki2_train.experiment.registration import REGISTRIES
from koki2_train.experiment.settings import NURSING, rung_settings, setting_flags

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _matching(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def complete_rungs(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Rungs, with their titles."""
    return [CompletionItem(row.id, help=row.title) for row in RUNGS.values() if row.id.startswith(incomplete)]


def complete_presets(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Shipped settings."""
    return _matching(sources.preset_names(), incomplete)


def complete_nursing(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of nursing, also after a ``+``."""
    before, plus, last = incomplete.rpartition("+")
    return _matching((f"{before}{plus}{name}" for name in NURSING_NAMES if name.startswith(last)), incomplete)


def complete_settings(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Settings as ``name=``: those of the rung where there is one, and of the trainer."""
    return _matching((f"{name}=" for name in (*settings_of(ctx), NURSING, *REGISTRIES)), incomplete.replace("-", "_"))


def complete_parts(part: str) -> Completer:
    """Registered brains, genomes or strategies."""
    return lambda ctx, parameter, incomplete: _matching(REGISTRIES[part], incomplete)


def settings_of(ctx: click.Context) -> list[str]:
    """The settings that a command line can give to its rung; to any where it names none of the ladder."""
    row, flags = RUNGS.get(str(ctx.params.get("rung"))), setting_flags()
    if row is None:
        return list(flags)
    elsewhere = {name for other in RUNGS.values() for name in rung_settings(other)} - rung_settings(row).keys()
    return [name for name in flags if name not in elsewhere]
