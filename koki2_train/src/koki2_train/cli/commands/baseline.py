"""``koki2-train baseline``."""

from __future__ import annotations

from typing import Any

import click

from koki2_envs.ladder import rung as rung_called
from koki2_train.cli.options import (
    COUNT,
    SEED,
    NamedChoice,
    build_experiment,
    compilation_cache_option,
    json_option,
    rung_argument,
    setting_options,
)
from koki2_train.cli.output import mean_and_error, number, print_json, print_table, table_metrics, variant_title
from koki2_train.cli.progress import working
from koki2_train.cli.setting_command import SettingCommand
from koki2_train.cli.setting_sources import common_setting_sources, take_settings

POLICIES = ("random", "stay", "straight", "greedy", "oracle", "win_stay", "memory")
"""The names of all reference policies; not every world has the last two."""
WORLD_GROUPS = ("life", "world", "sources", "threats", "body", "senses", "reward")


@click.command("baseline", cls=SettingCommand)
@rung_argument
@click.option("--policy", type=NamedChoice([*POLICIES, "all"]), default="greedy", show_default=True, help="Who acts.")
@click.option("--episodes", type=COUNT, default=1024, show_default=True, help="Lives.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of the lives.")
@click.option("--held-out", is_flag=True, help="In the held-out variant of the world.")
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
    """Evaluate a reference policy on RUNG, on a scale from random (0) to oracle (1)."""
    settings = take_settings(options)
    variant = _held_out_variant(rung, settings) if held_out else {}
    experiment = build_experiment(rung, {**settings, **variant})

    from koki2_train.runtime.jax_setup import set_up

    set_up(None, compilation_cache)
    from koki2_envs.reference_policies import policies_of, policy_called
    from koki2_train.evaluation import HeldOutLives

    try:
        env = experiment.make_world()
        wanted = list(policies_of(env)) if policy == "all" else [policy]
        policy_called(wanted[0], env)
    except (ValueError, TypeError) as error:
        raise click.UsageError(str(error)) from None
    with working("compiling …", as_json):
        lives = HeldOutLives(experiment, episodes, seed)
        measured = {name: lives.evaluate_policy(name) for name in dict.fromkeys([*wanted, "random", "oracle"])}
    results: dict[str, Any] = {
        name: {"metrics": measured[name], "normalized": lives.normalized(measured[name])} for name in wanted
    }
    if as_json:
        body = {"policies": results} if policy == "all" else results[policy]
        knobs = {"held_out": variant} if variant else {}
        print_json({"rung": rung, **knobs, "policy": policy, "episodes": episodes, "seed": seed, **body})
        return
    world = f"{rung}, {variant_title(variant)}" if variant else rung
    print_policies(f"{world}, {episodes} lives, seed {seed}", measured, lives)


def _held_out_variant(rung_name: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The knobs of the held-out variant, none of which is given."""
    variant = dict(rung_called(rung_name).held_out)
    if not variant:
        raise click.UsageError(f"--held-out: {rung_name} has no held-out variant")
    for name in variant.keys() & settings.keys():
        raise click.UsageError(f"--held-out sets {name}, which is also given")
    return variant


def print_policies(title: str, metrics: dict[str, Any], lives: Any) -> None:
    """A table of metrics by policy."""
    shown = table_metrics(metrics.values())
    rows = [
        [
            name,
            mean_and_error(m["fitness"]),
            number(lives.normalized(m), 3),
            *(number(m[metric]["mean"], 3) for metric in shown),
        ]
        for name, m in metrics.items()
    ]
    print_table(title, ["policy", "fitness ± se", "normalized", *(name.replace("_", " ") for name in shown)], rows)
