"""Speed of world and brain with evolution: the trainer's own compiled scan, validation left out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from koki2_train.bench.plan import Plan
from koki2_train.bench.timing import Case, Report, Row, compile_and_take_turns, compile_and_time

if TYPE_CHECKING:
    from koki2_train.experiment import Experiment

_NEVER = 10**9
_USUAL_NEURONS = 32
_LESS = 4  # how much less than in `training` a round of `brains` takes: large brains are slow
_CASES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("L0.2", {"episodes": 8}),
    ("L0.2", {"episodes": 32}),
    ("L1.1", {"episodes": 8}),
    ("L0.2", {"episodes": 8, "mvt": True}),
)


def training(plan: Plan, report: Report) -> list[Row]:
    """Times what ``evolve`` spends its time on, in four common settings."""
    cases = [_case(plan, rung, {"pop_size": plan.genomes, **settings}, plan.round_steps) for rung, settings in _CASES]
    return compile_and_time(cases, plan.rounds, report)


def brains(plan: Plan, report: Report) -> list[Row]:
    """Times L0.2 with brains of N neurons, in populations of 1/N the size: neurons × lives × steps is the same.

    Returns:
        A row a size, with ``neuron_updates_median``: millions of neurons stepped per second.
    """
    cases = []
    for n in plan.neurons:
        genomes = max(2, 2 * round(plan.genomes * _USUAL_NEURONS / n / 2))  # an even number
        settings = {"pop_size": genomes, "episodes": 8, "n_neurons": n}
        cases.append(_case(plan, "L0.2", settings, plan.round_steps * _USUAL_NEURONS // n // _LESS))
    rows = compile_and_take_turns(cases, plan.rounds, report)
    return [{**row, "neuron_updates_median": row["msteps_median"] * row["neurons"]} for row in rows]


def lives(plan: Plan, report: Report) -> list[Row]:
    """Times L0.2 with more and more lives per genome.

    Returns:
        A row a number of lives, with ``ns_per_step_median``, ``_min`` and ``_max``: time per world step.
    """
    cases = [
        _case(plan, "L0.2", {"pop_size": plan.genomes, "episodes": count}, plan.round_steps) for count in plan.lives
    ]
    rows = compile_and_take_turns(cases, plan.rounds, report)
    ends = (("median", "median"), ("min", "max"), ("max", "min"))
    return [row | {f"ns_per_step_{a}": 1e3 / row[f"msteps_{b}"] for a, b in ends} for row in rows]


def compile_generations(experiment: Experiment, generations: int, devices: int | None) -> Callable[[], Any]:
    """Compiles a number of generations, the first ones of seed 0.

    Args:
        experiment: what is run.
        generations: how many.
        devices: over how many devices; all where None.

    Returns:
        A call that runs them, always the same ones, and returns when all is computed.
    """
    import jax
    import jax.numpy as jnp

    from koki2_train.evolution import Search, compiled_init, compiled_steps
    from koki2_train.experiment import Trial
    from koki2_train.runtime.devices import replicate

    search = Search.of(Trial(experiment, 0), devices)
    last = replicate(search.program.problem.mesh, jnp.asarray(generations, jnp.int32))
    arguments = (search, compiled_init(search), last)
    compiled = compiled_steps.lower(*arguments, chunk=generations).compile()
    return lambda: jax.block_until_ready(compiled(*arguments))


def timed_experiment(plan: Plan, rung: str, settings: dict[str, Any]) -> Experiment:
    """An experiment whose lives have the plan's length, and that never validates."""
    from koki2_train.experiment import Experiment

    short = {"mvt_steps": min(32, plan.life_steps), "mvt_min_alive_steps": min(32, plan.life_steps)}
    length = {"max_steps_in_episode": plan.life_steps, **short}
    return Experiment.build(rung, {**length, "validate_every": _NEVER, **settings})


def in_words(lives: int) -> str:
    """'1 life' or 'n lives'."""
    return "1 life" if lives == 1 else f"{lives} lives"


def _case(plan: Plan, rung: str, settings: dict[str, Any], round_steps: int) -> Case:
    experiment = timed_experiment(plan, rung, settings)
    generations = max(1, round_steps // experiment.env_steps_per_generation)
    size, count, mvt = experiment.evolution.pop_size, experiment.evolution.episodes, experiment.mvt.mvt
    neurons = experiment.brain.settings.n_neurons
    facts = {
        "case": f"{rung}{' with MVT' if mvt else ''}, {neurons} neurons, {size} genomes × {in_words(count)}",
        "rung": rung,
        "mvt": mvt,
        "neurons": neurons,
        "genomes": size,
        "lives": count,
        "generations": generations,
    }
    steps = generations * experiment.env_steps_per_generation
    return Case(facts, steps, partial(compile_generations, experiment, generations, plan.devices))
