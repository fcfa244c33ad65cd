"""Held-out lives: champions and reference policies on the same episodes, from a stream no training ever sees."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from koki2_envs.ladder import rung
from koki2_train.brains import ReferenceBrain
from koki2_train.config import EvolutionConfig, MVTConfig, ValidationConfig
from koki2_train.evaluation import evaluate
from koki2_train.experiment import Experiment
from koki2_train.genomes import DirectGenome
from koki2_train.lifetime import LifeSummary, lifetime
from koki2_train.run_directory import RunDirectory, RunError
from koki2_train.runs import find_runs
from koki2_train.statistics import mean_of_all, normalised, over_runs, summarise_lives
from koki2_train.streams import Stream, life_keys, stream_key

Metrics = dict[str, dict[str, float]]


class NotFiniteError(ValueError):
    """Lives without a fitness; the message names whose they are."""


class HeldOut:
    """The same lives for everyone: a world, a number of lives and a seed.

    Attributes:
        experiment: whose world is lived in.
        episodes: number of lives.
        seed: which lives.
    """

    def __init__(self, experiment: Experiment, episodes: int, seed: int):
        self.experiment, self.episodes, self.seed = experiment, episodes, seed
        self._measured: dict[str, Metrics] = {}

    @cached_property
    def keys(self) -> jax.Array:
        """The lives' keys."""
        return life_keys(stream_key(jax.random.key(self.seed), Stream.TEST), self.episodes)

    def policy(self, name: str) -> Metrics:
        """Metrics of a reference policy."""
        if name not in self._measured:
            params = self.experiment.params
            lives = _live_policy(
                self.experiment.make_world(), name, params.idle_knobs(), params.max_steps_in_episode, params, self.keys
            )
            self._measured[name] = summarise_lives(lives)
        return self._measured[name]

    def genomes(self, genomes: Any, names: Sequence[str] = ()) -> list[Metrics]:
        """Metrics of each of G genomes of the experiment.

        Args:
            genomes: pytree with a leading axis of G.
            names: what errors call them; their numbers where not given.

        Raises:
            NotFiniteError: a genome had a life in which its brain or its return was not finite; no mean over its lives
                says anything.
        """
        program = self.experiment.program()
        lives = evaluate(program.task, self.experiment.params, genomes, self.keys, program.num_steps)
        lives = jax.tree.map(np.asarray, lives)
        for index, finite in enumerate(lives.finite):
            if not finite.all():
                who = names[index] if names else f"genome {index}"
                raise NotFiniteError(
                    f"{who}: brain or return is not finite (NaN or inf) in {np.sum(~finite)} of {finite.size} lives"
                )
        return [summarise_lives(jax.tree.map(lambda x, i=i: x[i], lives)) for i in range(len(lives.fitness))]

    def normalised(self, metrics: Metrics) -> float | None:
        """Fitness with random at 0 and oracle at 1, on these lives."""
        random, oracle = self.policy("random"), self.policy("oracle")
        return normalised(metrics["fitness"]["mean"], random["fitness"]["mean"], oracle["fitness"]["mean"])


def load_champion(run: RunDirectory, experiment: Experiment) -> DirectGenome:
    """The champion of a run as a genome of ``experiment``.

    Raises:
        RunError: there is none, or its shapes are not those of the experiment's brain.
    """
    arrays = run.load_champion()
    shapes = jax.eval_shape(experiment.program().task.encoding.init, jax.random.key(0))
    for name, wanted in shapes._asdict().items():
        if name not in arrays or arrays[name].shape != wanted.shape:
            got = arrays[name].shape if name in arrays else "nothing"
            raise RunError(
                f"{run}/best_genome.npz: {name} has shape {got}, the experiment's brain needs {wanted.shape}"
            )
        if arrays[name].dtype != wanted.dtype:
            raise RunError(f"{run}/best_genome.npz: {name} has dtype {arrays[name].dtype}, not {wanted.dtype}")
    return DirectGenome(**{name: jnp.asarray(arrays[name]) for name in shapes._fields})


def stack_genomes(genomes: Sequence[DirectGenome]) -> DirectGenome:
    """G genomes as one with a leading axis of G."""
    stacked: DirectGenome = jax.tree.map(lambda *leaves: jnp.stack(leaves), *genomes)
    return stacked


def _setting_of_a_life(experiment: Experiment) -> Experiment:
    """The experiment without what does not matter to a life, so that runs can be evaluated together."""
    return dataclasses.replace(experiment, evolution=EvolutionConfig(), mvt=MVTConfig(), validation=ValidationConfig())


@partial(jax.jit, static_argnames=("env", "policy", "idle", "num_steps"))
def _live_policy(
    env: Any, policy: str, idle: tuple[tuple[str, float], ...], num_steps: int, params: Any, keys: jax.Array
) -> LifeSummary:
    params = params.with_constants(idle)
    brain = ReferenceBrain(policy)
    return jax.vmap(lambda key: lifetime(env, params, brain, (), key, num_steps=num_steps))(keys)


def on_both_sides(
    experiments: Sequence[Experiment], judge: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    """What is found in a rung's world and, where it keeps a side for tests, also there.

    Args:
        experiments: all that was trained, or is judged. Where one of them has another value of a knob that makes the
            side than the rung has, nobody can say that it was never trained on, and it is left out.
        judge: what to find out, with these knobs set.

    Returns:
        What ``judge`` finds with nothing set and, in ``"held_out"``, what it finds on the side that is never trained
        on, with the ``"knobs"`` that make it. That entry is absent where there is no such side, or several rungs.
    """
    row = rung(experiments[0].rung)
    trained = {name: getattr(row.default_params, name) for name in row.held_out}
    alike = all(
        each.rung == row.id and all(getattr(each.params, name) == value for name, value in trained.items())
        for each in experiments
    )
    result = judge({})
    if row.held_out and alike:
        result["held_out"] = {"knobs": dict(row.held_out), **judge(dict(row.held_out))}
    return result


def assess_both_sides(
    paths: Sequence[Any],
    episodes: int,
    seed: int,
    baselines: Sequence[str] = (),
    overrides: dict[str, Any] | None = None,
    adult: bool = False,
) -> dict[str, Any]:
    """What :func:`assess_runs` returns and, where the runs' rung keeps a side of its world for tests, also that.

    The side that was never trained on is in ``"held_out"``, of the same form, with the ``"knobs"`` that make it; that
    entry is absent where the rung has no such side, the runs are of several rungs, or a run or an override has another
    value of one of these knobs than the rung.
    """

    def judge(knobs: dict[str, Any]) -> dict[str, Any]:
        return assess_runs(paths, episodes, seed, baselines, {**(overrides or {}), **knobs}, adult)

    trained = [run.read_config()[0] for run in find_runs([Path(path) for path in paths])]
    return on_both_sides([each.with_settings(overrides or {}) for each in trained], judge)


def assess_runs(
    paths: Sequence[Any],
    episodes: int,
    seed: int,
    baselines: Sequence[str] = (),
    overrides: dict[str, Any] | None = None,
    adult: bool = False,
) -> dict[str, Any]:
    """Evaluates champions, and policies beside them, on the same lives.

    Args:
        paths: run directories, or folders of ``seed<k>`` runs.
        episodes: number of lives.
        seed: which lives.
        baselines: names of reference policies.
        overrides: settings that differ from those of training.
        adult: whether every schedule of training is at its end, before ``overrides``: a world without nursing.

    Returns:
        ``{"runs": [{"run", "rung", "metrics", "normalized"}], "aggregate": {"metrics", "normalized", "n"}, "baselines":
        {policy: {"metrics", "normalized"}}}``. Baselines live in the world of the first run.

    Raises:
        RunError: a path is no run, or has no champion.
        NotFiniteError: a champion whose fitness is not finite.
        ValueError, TypeError: an override that cannot be.
    """
    runs = find_runs([Path(path) for path in paths])
    trained = [run.read_config()[0] for run in runs]
    experiments = [(each.adult() if adult else each).with_settings(overrides or {}) for each in trained]
    champions = [load_champion(run, experiment) for run, experiment in zip(runs, experiments, strict=True)]
    together: dict[Experiment, list[int]] = {}
    for index, experiment in enumerate(experiments):
        together.setdefault(_setting_of_a_life(experiment), []).append(index)

    entries: list[dict[str, Any]] = [{} for _ in runs]
    places = {setting: HeldOut(setting, episodes, seed) for setting in together}
    for setting, indices in together.items():
        names = [f"champion of {runs[index]}" for index in indices]
        measured = places[setting].genomes(stack_genomes([champions[index] for index in indices]), names)
        for index, metrics in zip(indices, measured, strict=True):
            entries[index] = {
                "run": str(runs[index]),
                "rung": setting.rung,
                "metrics": metrics,
                "normalized": places[setting].normalised(metrics),
            }
    first = places[_setting_of_a_life(experiments[0])]
    aggregate = over_runs([entry["metrics"] for entry in entries])
    aggregate["normalized"] = mean_of_all([entry["normalized"] for entry in entries])
    return {
        "runs": entries,
        "aggregate": aggregate,
        "baselines": {
            name: {"metrics": first.policy(name), "normalized": first.normalised(first.policy(name))}
            for name in baselines
        },
    }
