"""Sweeps: which grids there are, and what is reported and kept of one."""

import json

import numpy as np
import pytest

from koki2_envs import ramp, with_nursing
from koki2_train.experiment import Experiment
from koki2_train.studies.sweep import make_cells

GENERATION = {
    "generation": 0, "fitness_mean": 1.0, "fitness_best": 1.0, "champion_score": None, "pass_rate": 1.0,
    "non_finite": 0,
}  # fmt: skip
"""What progress looks at in a row of ``generations.jsonl``."""


class TestGrid:
    def test_every_combination_in_order_the_last_name_fastest(self, tiny_settings):
        cells = make_cells("L1.0", tiny_settings, {"obs_noise": ["0", "0.1:0@0:0.5"], "combined": ["0", "0.5"]})
        assert [cell.name for cell in cells] == [
            "obs_noise=0,combined=0", "obs_noise=0,combined=0.5", "obs_noise=0.1:0@0:0.5,combined=0",
            "obs_noise=0.1:0@0:0.5,combined=0.5",
        ]  # fmt: skip
        base = Experiment.build("L1.0", tiny_settings).params
        noisy = base.replace(obs_noise=ramp(0.1, 0.0, 0.0, 0.5))
        expected = [base, with_nursing(base, {"combined": 0.5}), noisy, with_nursing(noisy, {"combined": 0.5})]
        assert [cell.experiment.params for cell in cells] == expected

    def test_presets_beside_each_other_and_as_values_of_one_name(self):
        adult = Experiment.build("L0.2").params
        (both,) = make_cells("L0.2", {"nursing": {"rich_nursery": 1.0}}, {"risk_gating": ["0.5"]})
        assert both.experiment.params == with_nursing(adult, {"rich_nursery": 1.0, "risk_gating": 0.5})
        one, two = make_cells("L0.2", {}, {"nursing": ["risk_gating:0.5", "rich_nursery+sensory_gating:0.1"]})
        assert one.experiment.params == with_nursing(adult, {"risk_gating": 0.5})
        assert two.experiment.params == with_nursing(adult, {"rich_nursery": 1.0, "sensory_gating": 0.1})

    def test_dynamic_settings_of_a_brain_that_learns(self):
        """Numbers, schedules and nursing; all share one compiled program."""
        values = {"plast_eta": ["0", "0.2", "0.4:0.2@0:0.5"], "plast_drift": ["0", "0.01"]}
        cells = make_cells("L1.0", {"plast_enabled": True}, values)
        brains = [cell.experiment.brain.settings for cell in cells]
        assert [(b.plast_eta, b.plast_drift) for b in brains] == [
            (eta, drift) for eta in (0.0, 0.2, ramp(0.4, 0.2, 0.0, 0.5)) for drift in (0.0, 0.01)
        ]
        assert len({b.compiled() for b in brains}) == 1
        _, nursed = make_cells("L1.0", {"plast_enabled": True, "plast_eta": 0.2}, {"plasticity": ["0", "0.5"]})
        assert nursed.experiment == Experiment.build("L1.0", plast_enabled=True, plast_eta=0.2, nursing="plasticity:.5")

    def test_default_decay_is_that_of_each_cell(self):
        cells = make_cells("L0.2", {}, {"energy_init": ["1", "0.5"]})
        assert [cell.experiment.params.energy_decay for cell in cells] == [1 / 128, 1 / 256]

    @pytest.mark.parametrize(
        ("grid", "message"),
        [
            ({"obs_nois": ["0"]}, "unknown knob 'obs_nois'; did you mean 'obs_noise'"),
            ({"sensory_gatin": ["0"]}, "unknown knob 'sensory_gatin'; did you mean 'sensory_gating'"),
            ({"num_sources": ["2"]}, "num_sources is compiled in: within a sweep only knobs of the world"),
            ({"pop_size": ["2"]}, "pop_size is compiled in"),
            ({"plast_gate": ["action"]}, "plast_gate is compiled in"),
            ({"plast_et": ["1"]}, "unknown knob 'plast_et'; did you mean 'plast_eta'"),
            ({"plast_eta": ["1", "2"]}, r"plast_eta does nothing in a brain that does not learn \(plast_enabled\)"),
            ({"plasticity": ["1"]}, "nursing 'plasticity' needs a brain that learns"),
            ({"mvt": ["true"]}, "mvt is compiled in"),
            ({"steps": ["64"]}, "max_steps_in_episode is compiled in"),
            ({"hydration_decay": ["0"]}, "unknown knob 'hydration_decay'; L0.2 has none"),
            ({"obs_noise": ["0", "-1"]}, "obs_noise must be at least 0, got -1"),
            ({"obs_noise": ["0", "1", "0"]}, "obs_noise: 0 is given twice"),
            ({"obs_noise": ["0.1", "1e-1"]}, "obs_noise: 1e-1 is given twice, also as 0.1"),
            ({"obs_noise": [""]}, "obs_noise must be a number, got ''"),
            ({"risk_gating": ["2"]}, "nursing 'risk_gating': strength must be 0 to 1, got 2"),
            ({"risk_gating": ["0.5"], "combined": ["0.5"]}, "'combined' holds 'risk_gating' already"),
            ({"sensory_gating": ["0.5"], "grad_gain": ["0:1@0:0.3"]}, "which is a schedule already, 0:1@0:0.3"),
            ({"hazard_smell": ["0"]}, "hazard_smell varies, and is also given as 0.5"),
        ],
    )
    def test_what_cannot_vary_is_rejected_by_name(self, grid, message):
        with pytest.raises(ValueError, match=message):
            make_cells("L0.2", {"hazard_smell": 0.5}, grid)


@pytest.fixture
def sweep(cli, tiny_flags, tmp_path):
    def call(*arguments, rung="L0.2"):
        few = ("--no-mvt", "--generations", 2, "--test-episodes", 8, "--log-every", 2, "--devices", 1, "--seeds", "0:2")
        return cli("sweep", rung, *tiny_flags, *few, "--out", tmp_path / "out", *arguments)

    return call


class TestCommand:
    VARY = ("--vary", "sensory_gating=0,1")

    def test_what_it_reports_and_keeps_of_world_and_variant(self, sweep, cli, variant, tmp_path):
        reported = sweep(*self.VARY, "--json").json
        out = tmp_path / "out"
        assert reported == json.loads((out / "sweep.json").read_text())
        for name in ("sweep.png", "sweep_held_out.png"):
            assert (out / name).read_bytes().startswith(b"\x89PNG")
        assert (reported["grid"], reported["seeds"]) == ({"sensory_gating": ["0", "1"]}, [0, 1])
        first, second = reported["cells"]
        assert first["difference"] == {"mean": 0.0, "ci95": [0.0, 0.0]}
        apart = [second["fitness_by_seed"][seed] - first["fitness_by_seed"][seed] for seed in "01"]
        assert second["difference"]["mean"] == pytest.approx(sum(apart) / 2)
        assert reported["baselines"].keys() == {"random", "greedy", "oracle"}
        evaluated = cli("evaluate", out / second["cell"], "--adult", "--episodes", 8, "--json").json
        assert evaluated["aggregate"]["metrics"] == second["metrics"]
        assert evaluated["aggregate"]["normalized"] == pytest.approx(second["normalized"])
        assert reported["held_out"].keys() == {"knobs", "cells", "baselines"}
        assert reported["held_out"]["knobs"] == variant
        assert reported["held_out"]["cells"][1]["metrics"] == evaluated["held_out"]["aggregate"]["metrics"]

        again = sweep(*self.VARY, "--resume", "--json").json
        assert again["cells"] == reported["cells"]
        assert reported["env_steps"] == 4 * reported["env_steps_per_run"] > again["env_steps"] == 0
        rejected = sweep(*self.VARY)
        assert (rejected.code, "is not empty; --resume continues" in rejected.err) == (2, True)
        other = sweep("--vary", "sensory_gating=0,0.5", "--resume")
        assert (other.code, "was begun with grid" in other.err) == (2, True)

    def test_each_in_its_own_world_which_is_not_held_out(self, sweep, cli, variant, tmp_path, monkeypatch):
        def without_evolution(runs, *_, observe, **__):
            for run in runs:
                run.directory.begin_invocation(run.trial, ["test"], ["cpu"])
                genome = np.sin(np.arange(71, dtype=np.float32) + run.trial.seed)
                run.directory.save_champion(genome, {})
            observe([[GENERATION | {"env_steps": 144}] for _ in runs[1:]])  # as if one had been there before
            return True

        monkeypatch.setattr("koki2_train.runs.lockstep.run_in_lockstep", without_evolution)
        [knob] = variant
        reported = sweep("--vary", f"{knob}=1,3", "--test-world", "own")
        assert "each cell's own world" in reported.out
        result = json.loads((tmp_path / "out" / "sweep.json").read_text())
        assert not {"baselines", "held_out"} & result.keys()
        assert result["env_steps"] == 3 * 144
        evaluated = cli("evaluate", tmp_path / "out" / f"{knob}=3", "--episodes", 8, "--json").json
        assert evaluated["aggregate"]["metrics"] == result["cells"][1]["metrics"]
        assert result["cells"][0]["metrics"] != result["cells"][1]["metrics"]

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--vary", "obs_noise"), "--vary takes NAME=VALUE,VALUE,..., got 'obs_noise'"),
            (("--vary", "obs_noise=0", "--vary", "obs-noise=1"), "--vary: obs_noise varies twice"),
            (("--vary", "obs_nois=0,1"), "--vary: unknown knob 'obs_nois'; did you mean 'obs_noise'"),
            (("--vary", "n_neurons=4,8"), "--vary: n_neurons is compiled in"),
            (("--vary", "num_bad_sources=1,9"), "num_bad_sources must be at most num_sources = 4, got 9"),
            (("--vary", "obs_noise=0", "--resume", "--out", "/dev/null/x"), "/dev/null/x"),
        ],
    )
    def test_invalid_input_is_one_line_and_writes_nothing(self, sweep, tmp_path, arguments, words):
        result = sweep(*arguments)
        assert (result.code in (1, 2), result.out, result.err.count("\n")) == (True, "", 1)
        assert words in result.err
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_of_something_else_is_left_alone(self, sweep, tmp_path):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "thesis.txt").write_text("years of work")
        result = sweep(*self.VARY, "--resume")
        assert (result.code, "holds no sweep" in result.err) == (2, True)
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.txt"]
