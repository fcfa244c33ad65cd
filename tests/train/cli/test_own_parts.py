"""Custom brains, genomes, strategies and policies: the same flags, files, run directory and commands as ours."""

import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from test_cli import assert_rejected

import koki2_envs
from koki2_envs import RUNGS
from koki2_train.evolution import Program
from koki2_train.experiment import Experiment
from koki2_train.experiment.registration import REGISTRIES
from koki2_train.runs.directory import RunDirectory

EXAMPLES = Path(__file__).parents[3] / "examples"
BRAIN = ("--brain", "own_brain:LeakyReadout", "--memory", 0.8)
GENOME = ("--genome", "own_genome:LowRank", "--matrix-rank", 1)
STRATEGY = ("--strategy", "own_strategy:BestOfMany", "--best-share", 0.5)
TINY = (
    "--generations", 2, "--pop-size", 4, "--episodes", 2, "--steps", 8, "--validate-every", 2, "--validation-episodes",
    2, "--devices", 1, "--log-every", 2,
)  # fmt: skip


@pytest.fixture(autouse=True)
def beside_the_examples(monkeypatch):
    """As if called in the folder of the examples."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(EXAMPLES)])


@pytest.fixture
def unimportable(monkeypatch):
    """Makes the examples something that cannot be imported, from now on."""

    def forget():
        sys.path.remove(str(EXAMPLES))
        for name in ("own_brain", "own_genome", "own_strategy"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        for registry in REGISTRIES.values():
            for name in [name for name in registry._entries if ":" in name]:
                del registry._entries[name]

    return forget


def test_a_run_of_custom_parts_from_beginning_to_pictures(cli, tmp_path, unimportable):
    out = tmp_path / "run"
    result = cli("evolve", "L0.1", *BRAIN, *GENOME, *STRATEGY, *TINY, "--out", out, "--json")
    assert (result.code, result.err) == (0, "")
    experiment = RunDirectory(out).read_trial().experiment
    assert (experiment.brain.name, experiment.brain.settings.memory) == ("own_brain:LeakyReadout", 0.8)
    assert (experiment.genome.name, experiment.genome.settings.matrix_rank) == ("own_genome:LowRank", 1)
    assert (experiment.strategy.name, experiment.strategy.settings.best_share) == ("own_strategy:BestOfMany", 0.5)
    assert [row["sigma"] for row in RunDirectory(out).read_generations()] == pytest.approx([0.3, 0.297])
    assert RunDirectory(out).load_champion()["genome"].shape == (9,), "(5, 4) as a product of rank 1"

    same = ("evolve", "L0.1", "--out", out, "--resume", "--devices", 1, "--log-every", 2)
    assert cli(*same, "--generations", 3).code == 0
    assert len(RunDirectory(out).read_generations()) == 3
    assert_rejected(cli(*same, *BRAIN[:2], "--memory", 0.5), "memory 0.8, not 0.5")
    assert_rejected(cli(*same, "--brain", "spiking"), "brain own_brain:LeakyReadout, not spiking")

    evaluated = cli("evaluate", out, "--episodes", 8, "--json")
    assert evaluated.code == 0, evaluated.err
    assert np.isfinite(evaluated.json["runs"][0]["metrics"]["fitness"]["mean"])
    forgetful = cli("evaluate", out, "--episodes", 8, "--set", "memory=0", "--json")
    assert_rejected(forgetful, "memory is not a setting of the world", "brain that it evolved with, here memory = 0.8")
    drawn = cli("render", out)
    name, fitness = drawn.out.splitlines()[-1].split(": ")
    life = name.split()[2]
    assert name == f"held-out life {life} of 32, median fitness"
    assert cli("render", out, "--life", life).out.splitlines()[-1] == f"held-out life {life}: {fitness}"
    assert {"life.png", "life.gif"} <= {path.name for path in out.iterdir()}

    unimportable()
    for command in (("evaluate", out), ("render", out), same):
        assert_rejected(cli(*command), "'own_brain:LeakyReadout' cannot be imported", "ModuleNotFoundError")


@pytest.mark.slow
@pytest.mark.parametrize("part", [BRAIN, GENOME, STRATEGY], ids=lambda part: part[1])
def test_each_of_them_beside_ours(cli, tmp_path, part):
    small = ("--n-neurons", 6, "--k-edges", 2) if part is not BRAIN else ()
    result = cli("evolve", "L0.2", *part, *small, *TINY, "--out", tmp_path / "run", "--json")
    assert (result.code, result.err) == (0, "")
    assert result.json["runs"][0]["generations"] == 2


@pytest.mark.parametrize("part", [BRAIN, GENOME, STRATEGY], ids=lambda part: part[1])
def test_help_lists_its_settings(cli, part):
    _, _, flag, _ = part
    assert f" {flag} " in cli("evolve", "L0.2", *part[:2], "--help").out
    assert f" {flag} " not in cli("evolve", "L0.2", "--help").out


def test_equal_ones_share_compiled_code():
    settings = {"brain": BRAIN[1], "genome": GENOME[1], "strategy": STRATEGY[1]}
    one, other = (Program.of(Experiment.build("L0.2", settings), 1) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one != Program.of(Experiment.build("L0.2", {**settings, "memory": 0.25}), 1)


def test_a_file_may_name_it_too(cli, monkeypatch, tmp_path):
    planned = []
    monkeypatch.setattr(
        "koki2_train.cli.commands.evolve._evolve", lambda trials, *_: planned.extend(trials.values()) or 0
    )
    config = tmp_path / "own.toml"
    config.write_text(f'memory = 0.25\nbrain = "{BRAIN[1]}"\n[search]\nbest_share = 0.5\nstrategy = "{STRATEGY[1]}"\n')
    for flags in (("--config", config), ("--set", f"brain={BRAIN[1]}", "--set", "memory=0.25", *STRATEGY)):
        assert cli("evolve", "L0.2", *flags, "--out", tmp_path / "run").code == 0
    settings = {"brain": BRAIN[1], "memory": 0.25, "strategy": STRATEGY[1], "best_share": 0.5}
    assert [trial.experiment for trial in planned] == 2 * [Experiment.build("L0.2", settings)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--brain", "own_brian:LeakyReadout"], ["--brain", "'own_brian:LeakyReadout' cannot be imported"]),
        (["--brain", "own_brain:LeakyReader"], ["--brain", "cannot be imported", "LeakyReader"]),
        (["--brain", "own_brain:Experiment"], ["--brain", "settings_class derived from Settings"]),
        (["--brain", "own_brain:LeakyReadout", "--memory", "2"], ["--memory", "2"]),
        (["--brain", "own_brain:LeakyReadout", "--theta", "2"], ["theta", "own_brain:LeakyReadout"]),
        (["--memory", "0.5"], ["no such option '--memory'"]),
    ],
)
def test_invalid_input_is_rejected_in_one_line(cli, tmp_path, arguments, words):
    assert_rejected(cli("evolve", "L0.2", *arguments, "--out", tmp_path / "run"), *words)
    assert not (tmp_path / "run").exists()


def test_a_policy_lives_where_reference_policies_do():
    from own_policy import absent_minded

    env, params = koki2_envs.make("L0.1")
    keys = jax.random.split(jax.random.key(0), 32)
    record = koki2_envs.rollout(env, params, absent_minded, keys[0], 16)
    assert record.actions.shape == (16,)
    fitness = [koki2_envs.returns(env, params, policy, keys).mean() for policy in ("random", absent_minded)]
    assert fitness[0] < fitness[1]


@pytest.fixture
def custom_rung():
    """The rung of the examples; what its import registers goes with the test."""
    yield "own_rung:RUNG"
    RUNGS.pop("Tidal", None)
    sys.modules.pop("own_rung", None)


def test_a_run_on_a_custom_rung_takes_its_knobs_as_flags(cli, tmp_path, custom_rung):
    out = tmp_path / "run"
    result = cli("evolve", "--json", custom_rung, "--tide-steps", 4, "--tide-share", "0:1@0:0.5", *TINY, "--out", out)
    assert (result.code, result.err) == (0, "")
    experiment = RunDirectory(out).read_trial().experiment
    assert experiment.rung == custom_rung
    assert (experiment.params.tide_steps, str(experiment.params.tide_share)) == (4, "0:1@0:0.5")
    evaluated = cli("evaluate", out, "--episodes", 4, "--baseline", "greedy", "--set", "tide_share=0.5", "--json")
    assert evaluated.json["runs"][0]["rung"] == custom_rung
    assert evaluated.json["baselines"].keys() == {"greedy"}
    assert "tide_steps" in cli("ladder", custom_rung).out
    assert_rejected(cli("baseline", custom_rung, "--tide-steps", 1), "tide_steps must be 2 to 65535, got 1")
    assert_rejected(cli("baseline", "own_rung:NOPE"), "'own_rung' has no 'NOPE'")


BROKEN = """
from koki2_train.brains import Blueprint, Brain
from own_brain import LeakyReadout

class Chorus(LeakyReadout):
    def act(self, weights, carry, observation, key):
        return weights["w"] @ observation, carry

class Unborn(Brain):
    def blueprint(self):
        return Blueprint(())
"""


def test_a_brain_that_breaks_its_contract_ends_a_command_in_one_line(cli, tmp_path, monkeypatch):
    (tmp_path / "broken_brains.py").write_text(BROKEN)
    monkeypatch.syspath_prepend(tmp_path)
    result = cli("evolve", "L0.1", "--brain", "broken_brains:Chorus", *TINY, "--out", tmp_path / "run")
    assert (result.code, result.out, result.err.count("\n")) == (1, "", 1)
    assert "a contract does not hold: " in result.err
    assert "the action of Chorus" in result.err
    assert_rejected(
        cli("evolve", "L0.1", "--brain", "broken_brains:Unborn", "--out", tmp_path / "no"), "must define act, init"
    )
