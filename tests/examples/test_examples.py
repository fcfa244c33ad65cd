"""Every example runs, and there is one for each rung and each thing that one can build oneself."""

import runpy
import sys
from pathlib import Path

import gymnax
import pytest

from koki2_envs import RUNGS, make

EXAMPLES = Path(__file__).parents[2] / "examples"

CASES = {
    "l0_0_chemotaxis": ([], "oracle"),
    "l0_1_two_dimensions": (["2"], "champion"),
    "l0_2_same_smell": (["FOLDER", "2"], "learning_curve.png"),
    "l1_0_depletion": ([], "respawn_delay  64"),
    "l1_1_intermittent_sense": (["2"], "raised with a clear sense"),
    "l1_2_walls": (["1"], "1 walls: random"),
    "l2_0_two_needs": (["8"], "born with hydration  0.5: oracle"),
    "l2_1_salt": (["8"], "hazard_smell 1.0: greedy"),
    "l2_2_shifting_layouts": (["2"], "layouts never seen: champion"),
    "l3_0_hazard_zones": (["64"], "oracle  integrity_healing  0.02"),
    "l3_1_storms": (["FOLDER"], "oracle lived 192 steps"),
    "l3_2_unreliable_cues": (["64"], "never trained on decoy"),
    "l4_0_search": (["64"], "rounds     sense_radius  3"),
    "l4_1_seasons": (["64"], "oracle  : steps alive  256.0, where the season turns early  256.0"),
    "l4_2_motivation": (["64"], "unaware : fitness"),
    "l5_0_valence_lottery": (["8"], "3 of 4 smells feed: oracle"),
    "l5_1_reversal": (["8"], "never trained on      : memory   fitness"),
    "learning_within_a_life": (["2", "8"], "memory_reset fitness"),
    "own_brain": (["2"], "normalized"),
    "own_genome": (["2"], "own_genome:LowRank"),
    "own_policy": (["32"], "absent_minded"),
    "own_rung": ([], "oracle"),
    "own_strategy": (["2"], "own_strategy:BestOfMany"),
}
"""By name: the arguments of a quick call, and what it then prints."""
QUICK = ("l0_0_chemotaxis", "l3_1_storms", "own_brain", "own_rung")
"""One with worlds alone, one that draws, one that evolves; the others run in the slow tests."""
ALONE = ("l0_0_chemotaxis", "own_brain", "own_rung")
"""Run in processes of their own, as their readers run them; the others share one."""


def test_there_is_an_example_for_each_rung():
    assert set(CASES) == {path.stem for path in EXAMPLES.glob("*.py")}
    for rung in RUNGS:
        assert len(list(EXAMPLES.glob(f"{rung.lower().replace('.', '_')}_*.py"))) == 1, rung


@pytest.fixture
def run_here(monkeypatch, tmp_path, capsys):
    """Runs a script in this process, in which JAX is initialised already."""
    monkeypatch.setattr("koki2_train.runtime.jax_setup.set_up", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(EXAMPLES)

    def run(script, *arguments):
        monkeypatch.setattr(sys, "argv", [str(script), *arguments])
        runpy.run_path(str(script), run_name="__main__")
        return capsys.readouterr().out

    return run


@pytest.fixture
def run_alone(python, tmp_path):
    """Runs a script as its readers do, in a process of its own."""

    def run(script, *arguments):
        out, err = (process := python(script, *arguments, cwd=tmp_path)).communicate(timeout=300)
        assert process.returncode == 0, err
        return out

    return run


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CASES]
)
def test_it_runs(name, tmp_path, run_here, run_alone):
    run = run_alone if name in ALONE else run_here
    arguments, says = CASES[name]
    arguments = [str(tmp_path / "run") if argument == "FOLDER" else argument for argument in arguments]
    assert says in run(EXAMPLES / f"{name}.py", *arguments)
    if "FOLDER" in CASES[name][0]:
        assert any((tmp_path / "run").glob("*.png"))


def test_a_rung_of_ones_own_is_found_by_its_module(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    env, params = make("own_rung:RUNG")
    try:
        assert env == make("Tidal")[0]
        assert type(params).from_json(params.to_json()) == params
        assert env.observation_names[-1] == "tide"
        assert f"{env.name}" in gymnax.registered_envs
    finally:
        RUNGS.pop("Tidal")
        sys.modules.pop("own_rung")
