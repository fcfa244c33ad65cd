"""Every example runs, and there is one for each rung."""

import subprocess
import sys
from pathlib import Path

import pytest

from koki2_envs import RUNGS

EXAMPLES = Path(__file__).parents[2] / "examples"

ARGUMENTS = {
    "l0_0_chemotaxis": [],
    "l0_1_two_dimensions": ["2"],
    "l0_2_same_smell": ["FOLDER", "2"],
    "l1_0_depletion": [],
    "l1_1_intermittent_sense": ["2"],
    "l3_0_hazard_zones": ["64"],
    "l3_1_storms": ["2"],
    "l3_2_unreliable_cues": ["64"],
    "l1_2_walls": ["3"],
    "l2_0_two_needs": ["8"],
    "l2_1_salt": ["8"],
    "l2_2_shifting_layouts": ["2"],
    "l4_0_search": ["64"],
}
SAYS = {
    "l0_0_chemotaxis": "oracle",
    "l0_1_two_dimensions": "champion",
    "l0_2_same_smell": "learning_curve.png",
    "l1_0_depletion": "respawn_delay  64",
    "l1_1_intermittent_sense": "raised with a clear sense",
    "l3_0_hazard_zones": "oracle  integrity_healing  0.02",
    "l3_1_storms": "warned  4 steps ahead",
    "l3_2_unreliable_cues": "never trained on decoy",
    "l1_2_walls": "3 walls: random",
    "l2_0_two_needs": "born with hydration  0.5: oracle",
    "l2_1_salt": "hazard_smell 1.0: greedy",
    "l2_2_shifting_layouts": "layouts never seen: champion",
    "l4_0_search": "rounds     sense_radius  3",
}


def test_there_is_an_example_for_each_rung():
    assert set(ARGUMENTS) == {path.stem for path in EXAMPLES.glob("*.py")}
    for rung in RUNGS:
        assert len(list(EXAMPLES.glob(f"{rung.lower().replace('.', '_')}_*.py"))) == 1, rung


@pytest.mark.parametrize("name", ARGUMENTS)
def test_it_runs(name, tmp_path):
    arguments = [str(tmp_path / "run") if a == "FOLDER" else a for a in ARGUMENTS[name]]
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stderr
    assert SAYS[name] in done.stdout
    if "FOLDER" in ARGUMENTS[name]:
        assert (tmp_path / "run" / "life.gif").stat().st_size > 0
