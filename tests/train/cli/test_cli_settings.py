"""The command line: from flags, files and presets to an experiment, and which setting wins."""

import pytest

from koki2_envs import Schedule
from koki2_train.experiment import Experiment


@pytest.fixture
def planned(cli, monkeypatch):
    """The experiment that a command line stands for, without running it."""

    def call(*arguments, rung="L0.2"):
        seen = []
        monkeypatch.setattr("koki2_train.cli.commands.evolve._check_places", lambda *_: None)
        monkeypatch.setattr(
            "koki2_train.cli.commands.evolve._evolve", lambda trials, *_: seen.extend(trials.values()) or 0
        )
        result = cli("evolve", rung, "--out", "nowhere", *arguments)
        assert (result.code, len(seen)) == (0, 1), result.err
        return seen[0].experiment

    return call


def test_flags_win_over_set_over_config_over_preset(planned, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text("pop_size = 20\nepisodes = 20\ngenerations = 20\n")
    base = ("--preset", "quick")
    preset = planned(*base).evolution
    assert preset != Experiment.build("L0.2").evolution
    one = planned(*base, "--config", config)
    assert (one.evolution.pop_size, one.evolution.episodes, one.evolution.generations) == (20, 20, 20)
    assert one.validation == planned(*base).validation
    two = planned("--set", "pop_size=30", "--set", "episodes=30", *base, "--config", config)
    assert (two.evolution.pop_size, two.evolution.episodes, two.evolution.generations) == (30, 30, 20)
    three = planned("--pop-size", 40, "--set", "pop_size=30", "--set", "episodes=30", *base, "--config", config)
    assert (three.evolution.pop_size, three.evolution.episodes, three.evolution.generations) == (40, 30, 20)
    assert planned("--set", "pop-size=30", "--set", "pop_size=50").evolution.pop_size == 50, "the last one"


def test_config_files_take_tables_aliases_and_schedules(planned, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text(
        "steps = 40\n[world]\nwidth = 9\nenergy_gain = {start = 0.1, end = 0.2}\n"
        'grad_gain = "0:1@0:0.3"\n[evolution]\nsigma = 1\nmvt = true\n[sources]\nnum_sources = 5\n'
    )
    experiment = planned("--config", config)
    assert experiment == Experiment.build("L0.2", {
        "steps": 40, "width": 9, "energy_gain": Schedule(0.1, 0.2), "grad_gain": Schedule(0.0, 1.0, 0.0, 0.3),
        "sigma": 1.0, "mvt": True, "num_sources": 5,
    })  # fmt: skip
    config.write_text("")
    assert planned("--config", config) == Experiment.build("L0.2")


def test_flags_reach_the_experiment(planned):
    experiment = planned(
        "--steps", 40, "--grad-gain", "0:1@0:0.3", "--no-deplete-sources", "--mvt", "--theta", 0.5, "--num-sources", 6,
        "--energy-setpoint", "-0.5", rung="L1.0",
    )  # fmt: skip
    assert experiment == Experiment.build("L1.0", {
        "steps": 40, "grad_gain": Schedule(0.0, 1.0, 0.0, 0.3), "deplete_sources": False, "mvt": True, "theta": 0.5,
        "num_sources": 6, "energy_setpoint": -0.5,
    })  # fmt: skip


def test_another_strategy_genome_or_brain_has_its_settings(planned, tmp_path):
    config = tmp_path / "c.toml"
    assert planned("--brain", "spiking", "--genome", "direct", "--strategy", "open_es") == Experiment.build("L0.2")
    config.write_text('[parts]\nstrategy = "open_es"\nsigma = 0.3\n')
    assert planned("--config", config) == Experiment.build("L0.2", {"sigma": 0.3})
