"""``koki2-train baseline``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import click

from koki2_envs.ladder import rung as rung_called
from koki2_train.cli.options import (
    COUNT,
    SEED,
    GroupedCommand,
    build_experiment,
    check_rung,
    compilation_cache_option,
    json_option,
    setting_options,
)
from koki2_train.cli.output import number, print_json, print_table
from koki2_train.cli.sources import common_setting_sources, take_settings

POLICIES = ("random", "stay", "straight", "greedy", "oracle")
WORLD_GROUPS = ("life", "world", "sources", "threats", "body", "senses", "reward")


@click.command("baseline", cls=GroupedCommand)
@click.argument("rung", callback=check_rung)
@click.option("--policy", type=click.Choice([*POLICIES, "all"]), default="greedy", show_default=True, help="Who acts.")
@click.option("--episodes", type=COUNT, default=1024, show_default=True, help="Lives.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of the lives.")
@click.option("--held-out", is_flag=True, help="On the side of the world that is never trained on.")
@compilation_cache_option
@json_option
@common_setting_sources
@setting_options(WORLD_GROUPS)
def command(
    rung: str,
    policy: str,
    episodes: int,
    seed: int,
    held_out: bool,
    compilation_cache: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """What a reference policy achieves on RUNG, beside random (0) and oracle (1).

    The flags below are those of all worlds; `koki2-train ladder RUNG` lists the knobs that this one has.
    """
    settings = take_settings(options)
    if held_out:
        settings = _on_the_other_side(rung, settings)
    experiment = build_experiment(rung, settings)

    from koki2_train.platform_setup import set_up

    set_up(None, compilation_cache)
    from koki2_train.assessment import HeldOut

    try:
        experiment.make_world()
    except (ValueError, TypeError) as error:
        raise click.UsageError(str(error)) from None
    lives = HeldOut(experiment, episodes, seed)
    wanted = list(POLICIES) if policy == "all" else [policy]
    results = {
        name: {"metrics": lives.policy(name), "normalized": lives.normalised(lives.policy(name))} for name in wanted
    }
    if as_json:
        body = {"policies": results} if policy == "all" else results[policy]
        print_json({"rung": rung, "policy": policy, "episodes": episodes, "seed": seed, **body})
        return
    shown = list(dict.fromkeys([*wanted, "random", "oracle"]))
    print_policies(f"{rung}, {episodes} lives, seed {seed}", {name: lives.policy(name) for name in shown}, lives)


def _on_the_other_side(rung_name: str, settings: dict[str, Any]) -> dict[str, Any]:
    side = rung_called(rung_name).held_out
    if not side:
        raise click.UsageError(f"--held-out: {rung_name} has no side that is never trained on")
    for name in side.keys() & settings.keys():
        raise click.UsageError(f"--held-out sets {name}, which is also given")
    return {**settings, **side}


def print_policies(title: str, metrics: dict[str, dict[str, dict[str, float]]], lives: Any) -> None:
    """A table of metrics by policy."""
    shown = table_metrics(metrics.values())
    rows = [
        [
            name,
            f"{number(m['fitness']['mean'])} ± {number(m['fitness']['se'])}",
            number(lives.normalised(m), 3),
            *(number(m[metric]["mean"], 3) for metric in shown),
        ]
        for name, m in metrics.items()
    ]
    print_table(title, ["policy", "fitness ± se", "normalised", *(name.replace("_", "\n") for name in shown)], rows)


def table_metrics(rows: Collection[Mapping[str, Any]]) -> list[str]:
    """The metrics that a table shows of what was measured: some that every world has, and then the world's own.

    Args:
        rows: metrics by name; where they are of several worlds, what all of them have is shown.
    """
    from koki2_train.lifetime import METRICS

    common = [name for row in rows for name in row if name not in METRICS]
    own = dict.fromkeys(name for name in common if all(name in row for row in rows))
    return [*_TABLE_METRICS, *own]


_TABLE_METRICS = ("success", "steps_alive", "energy_gained", "bad_arrivals", "integrity_min", "action_entropy")
