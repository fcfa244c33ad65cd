"""Controls of learning: one link is cut, and nothing else changes.

The brain of these tests has no memory but its recurrent spikes, its traces and its weights: potentials are gone in a
step. Its modulator is −1 in every step in which nothing is eaten.
"""

import jax
import numpy as np
import pytest

from koki2_envs import ramp
from koki2_train.cli.commands.evaluate import CONTROLS as CHOICES
from koki2_train.evaluation import controls, evaluate_runs
from koki2_train.evaluation.controls import CONTROLS, rollout_controlled
from koki2_train.experiment import Experiment, Trial
from koki2_train.random_streams import life_keys
from koki2_train.rollout.knobs import Knobs
from koki2_train.rollout.population import compiled_rollout
from koki2_train.rollout.problem import Problem
from koki2_train.runs.directory import RunDirectory, RunWarning

LEARNING = {
    "plast_enabled": True, "plast_input": True, "plast_recurrent": False, "plast_eta": 0.5, "plast_lambda": 0.6,
    "plast_gate": "action", "modulator_kind": "drive", "mod_drive_scale": 1e6, "tau_m": 1e-3, "energy_decay": 0.01,
    "num_bad_sources": 0, "plast_max": 30.0,
}  # fmt: skip
LIVES = 4


@pytest.fixture(scope="module")
def learner(tiny_settings):
    return Experiment.build("L1.0", {**tiny_settings, **LEARNING})


@pytest.fixture(scope="module")
def problem(learner):
    return Problem.of(learner, 1)


@pytest.fixture(scope="module")
def genomes(problem):
    drawn = jax.vmap(problem.genome.init)(jax.random.split(jax.random.key(3), 3))
    return drawn * 4.0


KEYS = life_keys(jax.random.key(8), LIVES)


def knobs_of(learner, **settings):
    return Knobs.of(learner.with_settings(settings))


def lived(problem, knobs, genomes, control=None):
    rollout = compiled_rollout if control is None else lambda *given: rollout_controlled(control, *given)
    return jax.tree.map(np.asarray, rollout(problem, knobs, genomes, KEYS))


def same(ours, theirs):
    pairs = zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True)
    return all(mine.tobytes() == other.tobytes() for mine, other in pairs)


def test_no_rate_is_a_rate_of_0_and_a_turned_sign_a_negative_one(learner, problem, genomes):
    """Whatever the learning rate is, nothing compiles anew."""
    as_it_is = lived(problem, knobs_of(learner), genomes)
    before = compiled_rollout._cache_size()
    for control, eta in (("eta_zero", 0.0), ("sign_turned", -0.5)):
        cut = lived(problem, knobs_of(learner), genomes, control)
        assert same(cut, lived(problem, knobs_of(learner, plast_eta=eta), genomes))
        assert not same(cut, as_it_is)
    others = {"plast_eta": 0.1, "plast_lambda": 0.2, "plast_max": 1.0, "mod_drive_scale": 3.0, "mod_baseline_rate": 0.5}
    assert not same(lived(problem, knobs_of(learner, **others), genomes), as_it_is)
    compiled_rollout(problem, knobs_of(learner), genomes, life_keys(jax.random.key(9), LIVES))
    assert compiled_rollout._cache_size() == before
    assert as_it_is.weight_change.any(axis=1).all()
    assert not lived(problem, knobs_of(learner), genomes, "eta_zero").weight_change.any()


def test_a_schedule_is_turned_and_ended_as_a_whole(learner, problem, genomes, monkeypatch):
    given = []
    monkeypatch.setattr(controls, "compiled_rollout", lambda problem, knobs, *_: given.append(knobs.brain["plast_eta"]))
    for control in ("sign_turned", "eta_zero"):
        rollout_controlled(control, problem, knobs_of(learner, plast_eta=ramp(0.9, 0.3, 0.0, 0.5)), genomes, KEYS)
    assert given == [ramp(-0.9, -0.3, 0.0, 0.5), ramp(0.0, 0.0, 0.0, 0.5)]


def test_its_own_modulator_imposed_reproduces_a_life_and_another_order_does_not(learner, problem, genomes):
    knobs = knobs_of(learner)
    as_it_is = lived(problem, knobs, genomes)
    own = controls._with_modulator(lambda modulators, alive, keys: modulators, problem, knobs, genomes, KEYS)
    assert same(jax.tree.map(np.asarray, own), as_it_is)
    for control in ("shuffled", "other_life"):
        assert not same(lived(problem, knobs, genomes, control), as_it_is)


def test_a_constant_modulator_has_no_order_and_is_that_of_every_life(learner, problem, genomes):
    """Nothing that is eaten counts: drive grows in every step of every life."""
    hungry = knobs_of(learner, energy_gain=1e-9)
    as_it_is = lived(problem, hungry, genomes)
    assert (as_it_is.modulator == 1.0).all()
    assert as_it_is.weight_change.any(axis=1).all()
    for control in ("shuffled", "other_life"):
        assert same(lived(problem, hungry, genomes, control), as_it_is)


def test_shuffling_keeps_what_was_lived_and_draws_an_order_for_each_life():
    alive = np.arange(64) < 40
    modulators = np.where(alive, np.arange(64) + 1.0, 0.0).astype(np.float32)
    both = (np.broadcast_to(each, (1, 2, 64)) for each in (modulators, alive))
    shuffled = np.asarray(controls._shuffled(*both, life_keys(jax.random.key(1), 2)))[0]
    for life in shuffled:
        assert sorted(life[:40]) == list(range(1, 41))
        assert list(life[:40]) != list(range(1, 41))
        assert not life[40:].any()
    assert (shuffled[0] != shuffled[1]).any()


def test_resetting_changes_a_brain_that_remembers_and_no_other(learner, problem, genomes):
    """Without recurrent weights and with traces of one step nothing is remembered but what was learned."""
    traceless = knobs_of(learner, plast_lambda=0.0)
    blueprint, silent, begin = problem.brain.blueprint(), np.array(genomes), 0
    for name, parameter in blueprint.parameters:
        if name == "w_rec":
            silent[:, begin : begin + parameter.size] = 0.0
        begin += parameter.size
    as_it_is = lived(problem, traceless, silent)
    assert as_it_is.weight_change.any(axis=1).all()
    assert same(lived(problem, traceless, silent, "memory_reset"), as_it_is)
    assert not same(lived(problem, traceless, genomes, "memory_reset"), lived(problem, traceless, genomes))
    assert not same(
        lived(problem, knobs_of(learner), silent, "memory_reset"), lived(problem, knobs_of(learner), silent)
    )


def test_what_no_control_can_do_is_said(learner, problem, genomes, tiny):
    knobs = knobs_of(learner)
    with pytest.raises(ValueError, match="unknown control 'shufled'; did you mean 'shuffled'"):
        rollout_controlled("shufled", problem, knobs, genomes, KEYS)
    with pytest.raises(ValueError, match="control 'other_life' needs at least two lives"):
        rollout_controlled("other_life", problem, knobs, genomes, KEYS[:1])
    with pytest.raises(ValueError, match="need a brain with the dynamic setting plast_eta"):
        rollout_controlled("sign_turned", problem, knobs._replace(brain={}), genomes, KEYS)
    with pytest.raises(ValueError, match="control 'eta_zero' needs a brain that learns"):
        rollout_controlled("eta_zero", Problem.of(tiny, 1), Knobs.of(tiny), genomes, KEYS)


def test_a_brain_that_keeps_its_modulator_to_itself_is_rejected(learner, problem, genomes, monkeypatch):
    monkeypatch.setattr(type(problem.brain), "recordings", lambda *_: {})
    with pytest.raises(ValueError, match="need a brain that records it as 'modulator'"):
        rollout_controlled("shuffled", problem, knobs_of(learner), genomes[:1], KEYS)


def test_another_learning_rate_at_evaluation_compiles_nothing_anew(learner, genomes, tmp_path):
    run = RunDirectory(tmp_path / "run")
    run.begin_invocation(Trial(learner, 0), ["test"], ["cpu"])
    run.save_champion(np.asarray(genomes[0]), {})
    (as_it_is,) = evaluate_runs([run.path], LIVES, 0)["runs"]
    before = compiled_rollout._cache_size()
    (still,) = evaluate_runs([run.path], LIVES, 0, overrides={"plast_eta": 0.0})["runs"]
    result = evaluate_runs([run.path], LIVES, 0, controls=("eta_zero", "sign_turned"))
    assert compiled_rollout._cache_size() == before
    assert result["runs"] == [as_it_is]
    assert result["controls"]["eta_zero"]["runs"] == [still]
    assert still["metrics"]["weight_change"]["mean"] == 0 < as_it_is["metrics"]["weight_change"]["mean"]


class TestEvaluation:
    """What is reported of runs, without living."""

    @pytest.fixture
    def runs(self, learner, tiny, tmp_path):
        """A run that learns and one that does not, whose genomes do nothing."""

        def keep(name, experiment, seed=0):
            run = RunDirectory(tmp_path / name)
            run.begin_invocation(Trial(experiment, seed), ["test"], ["cpu"])
            run.save_champion(np.zeros(Problem.of(experiment).genome.size, np.float32), {})
            return run.path

        return keep("learns", learner), keep("fixed", tiny), keep("copy", learner.with_settings({"generations": 9}))

    @pytest.fixture(autouse=True)
    def _lived_by_name(self, monkeypatch):
        def evaluated(lives, genomes, names, evolved, control=None):
            place = float([None, *CONTROLS].index(control))
            return [{"fitness": {"mean": place, "se": 0.0}} for _ in names]

        monkeypatch.setattr("koki2_train.evaluation.held_out.HeldOutLives.evaluate_genomes", evaluated)
        monkeypatch.setattr("koki2_train.evaluation.held_out.HeldOutLives.normalized", lambda *_: None)

    def test_every_run_that_learns_is_reported_under_every_control(self, runs):
        with pytest.warns(RunWarning, match="the first counts alone"):
            result = evaluate_runs(runs, 4, 0, controls="all")
        assert [entry["run"] for entry in result["runs"]] == list(map(str, runs))
        assert list(result["controls"]) == list(CONTROLS)
        for place, under in enumerate(result["controls"].values(), 1):
            assert [entry["run"] for entry in under["runs"]] == [str(runs[0]), str(runs[2])]
            assert [entry["metrics"]["fitness"]["mean"] for entry in under["runs"]] == [place, place]
            assert under["aggregate"]["n"] == 1, "a copy counts once under controls too"

    def test_controls_that_are_named_are_those_of_every_run(self, runs):
        named = evaluate_runs(runs[:1], 4, 0, controls=("sign_turned", "eta_zero", "sign_turned"))["controls"]
        assert list(named) == ["sign_turned", "eta_zero"]
        assert "controls" not in evaluate_runs(runs[:1], 4, 0)
        with pytest.raises(ValueError, match=r"control 'shuffled' needs a brain that learns, and that of .*fixed does"):
            evaluate_runs(runs[:2], 4, 0, controls=("shuffled",))
        with pytest.raises(ValueError, match="controls need a brain that learns, and no run has one"):
            evaluate_runs(runs[1:2], 4, 0, controls="all")
        with pytest.raises(ValueError, match="unknown control 'x'"):
            evaluate_runs(runs[:1], 4, 0, controls=("x",))

    def test_the_command_line_takes_one_or_all(self, runs, cli):
        one = cli("evaluate", runs[0], "--episodes", 4, "--control", "eta_zero", "--json").json
        assert list(one["controls"]) == ["eta_zero"]
        assert CHOICES == CONTROLS
        assert list(cli("evaluate", *runs[:1], "--controls", "--json").json["controls"]) == list(CONTROLS)
        assert "controls need a brain that learns" in cli("evaluate", runs[1], "--controls").err
        assert "did you mean 'eta_zero'" in cli("evaluate", runs[0], "--control", "etazero").err
