"""Speed of learning within a life, relative to fixed weights in the same world."""

from __future__ import annotations

from functools import partial
from typing import Any

from koki2_train.bench.evolution import compile_generations, in_words, timed_experiment
from koki2_train.bench.plan import Plan
from koki2_train.bench.timing import Case, Report, Row, compile_and_take_turns
from koki2_train.experiment.sources import read_preset

_ALL = {
    "plast_enabled": True, "plast_input": True, "plast_recurrent": True, "plast_motor": True, "plast_senses": "*",
    "modulator_kind": "event",
}  # fmt: skip
_LIFETIMES = 2  # how much longer lives are than in the other sections


def learning(plan: Plan, report: Report) -> list[Row]:
    """Times whole lives in which synapses learn, and fixed weights beside them.

    Returns:
        A row a case, with ``times_fixed_median``: time per step in units of that of fixed weights, same world and
        lives.
    """
    lottery, dropout = {"rung": "L5.0"}, {"rung": "L1.0", "grad_dropout_p": 0.5}
    synapses, gains = read_preset("plastic"), read_preset("plastic_gain")
    cases = []
    for world, rules in (
        (lottery, {"fixed weights": {}, "input synapses": synapses, "gains": gains}),
        (dropout, {"fixed weights": {}, "all synapses": _ALL}),
    ):
        cases += [_case(plan, world, lives, *rule) for lives in plan.learning_lives for rule in rules.items()]
    rows = compile_and_take_turns(cases, plan.rounds, report)
    fixed = {(row["rung"], row["lives"]): row["msteps_median"] for row in rows if row["learns"] == "fixed weights"}
    return [row | {"times_fixed_median": fixed[row["rung"], row["lives"]] / row["msteps_median"]} for row in rows]


def _case(plan: Plan, world: dict[str, Any], lives: int, learns: str, settings: dict[str, Any]) -> Case:
    knobs = {name: value for name, value in world.items() if name != "rung"}
    sizes = {"pop_size": plan.genomes, "episodes": lives, "max_steps_in_episode": _LIFETIMES * plan.life_steps}
    experiment = timed_experiment(plan, world["rung"], {**knobs, **sizes, **settings})
    generations = max(1, plan.round_steps // experiment.env_steps_per_generation)
    facts = {
        "case": f"{world['rung']}, {plan.genomes} genomes × {in_words(lives)}, {learns}",
        "rung": world["rung"],
        "genomes": plan.genomes,
        "lives": lives,
        "learns": learns,
    }
    steps = generations * experiment.env_steps_per_generation
    return Case(facts, steps, partial(compile_generations, experiment, generations, plan.devices))
