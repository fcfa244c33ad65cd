"""Every example runs, and there is one for each rung."""

import runpy
import sys
from pathlib import Path

import gymnax
import pytest

from koki2_envs import RUNGS, make

EXAMPLES = Path(__file__).parents[2] / "examples"

ARGUMENTS = {
    "l0_0_chemotaxis": [],
    "l0_1_two_dimensions": ["2"],
    "l0_2_same_smell": ["FOLDER", "2"],
    "l1_0_depletion": [],
    "l1_1_intermittent_sense": ["2"],
    "l1_2_walls": ["1"],
    "l2_0_two_needs": ["8"],
    "l2_1_salt": ["8"],
    "l2_2_shifting_layouts": ["2"],
    "l3_0_hazard_zones": ["64"],
    "l3_1_storms": ["FOLDER"],
    "l3_2_unreliable_cues": ["64"],
    "l4_0_search": ["64"],
    "l4_1_seasons": ["64"],
    "l4_2_motivation": ["64"],
    "own_rung": [],
}
SAYS = {
    "l0_0_chemotaxis": "oracle",
    "l0_1_two_dimensions": "champion",
    "l0_2_same_smell": "learning_curve.png",
    "l1_0_depletion": "respawn_delay  64",
    "l1_1_intermittent_sense": "raised with a clear sense",
    "l1_2_walls": "1 walls: random",
    "l2_0_two_needs": "born with hydration  0.5: oracle",
    "l2_1_salt": "hazard_smell 1.0: greedy",
    "l2_2_shifting_layouts": "layouts never seen: champion",
    "l3_0_hazard_zones": "oracle  integrity_healing  0.02",
    "l3_1_storms": "oracle lived 192 steps",
    "l3_2_unreliable_cues": "never trained on decoy",
    "l4_0_search": "rounds     sense_radius  3",
    "l4_1_seasons": "oracle  : steps alive  256.0, where the season turns early  256.0",
    "l4_2_motivation": "unaware : fitness",
    "own_rung": "oracle",
}
ALONE = ("l0_0_chemotaxis", "own_rung")
"""One that uses a rung, and one whose world is in its main module. The others run in one process, which saves time."""
SLOW = (
    "l0_1_two_dimensions", "l1_1_intermittent_sense", "l1_2_walls", "l2_0_two_needs", "l2_2_shifting_layouts",
    "l4_0_search", "l4_1_seasons",
)  # fmt: skip
"""Those that call what others call too."""


def test_there_is_an_example_for_each_rung():
    assert set(ARGUMENTS) == {path.stem for path in EXAMPLES.glob("*.py")}
    for rung in RUNGS:
        assert len(list(EXAMPLES.glob(f"{rung.lower().replace('.', '_')}_*.py"))) == 1, rung


@pytest.fixture
def run_here(monkeypatch, tmp_path, capsys):
    """Runs a script in this process, in which JAX is initialised already."""
    monkeypatch.setattr("koki2_train.platform_setup.set_up", lambda *_: None)
    monkeypatch.chdir(tmp_path)

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


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in ARGUMENTS])
def test_it_runs(name, tmp_path, run_here, run_alone):
    run = run_alone if name in ALONE else run_here
    arguments = [str(tmp_path / "run") if a == "FOLDER" else a for a in ARGUMENTS[name]]
    assert SAYS[name] in run(EXAMPLES / f"{name}.py", *arguments)
    if "FOLDER" in ARGUMENTS[name]:
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
