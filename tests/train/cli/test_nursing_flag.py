"""Nursing as a setting: where it can be given, what it does to an experiment, and how a run is evaluated without it."""

import json

import numpy as np
import pytest

from koki2_envs import Schedule, with_nursing
from koki2_train.cli.setting_sources import take_settings
from koki2_train.experiment import Experiment, Trial
from koki2_train.experiment.settings import join_settings, parse_setting
from koki2_train.rollout.problem import Problem
from koki2_train.runs.directory import RunDirectory
from koki2_train.studies.factorial import make_cells


def settings_of(*, toml=None, tmp_path=None, **options):
    if toml is not None:
        (tmp_path / "my.toml").write_text(toml)
        options["configs"] = (tmp_path / "my.toml",)
    return take_settings(options)


class TestExperiment:
    def test_nursing_is_applied_to_the_world_that_all_other_settings_make(self, tiny_settings):
        plain = Experiment.build("L1.0", {**tiny_settings, "energy_gain": 0.1})
        nursed = Experiment.build(
            "L1.0", {**tiny_settings, "energy_gain": 0.1, "nursing": {"rich_nursery": 0.5, "energetic_buffer": 1.0}}
        )
        assert nursed.params.energy_gain == Schedule(0.1 + 0.5 * (3.0 * 0.1 - 0.1), 0.1, 0.0, 0.5)
        assert nursed.params.energy_decay == Schedule(0.0, 1 / 12, 0.0, 0.5)  # the default, one life without food
        assert nursed.params == with_nursing(plain.params, {"rich_nursery": 0.5, "energetic_buffer": 1.0})
        assert nursed.without_nursing() == plain

    def test_it_survives_being_written_and_set_again(self, tiny_settings):
        nursed = Experiment.build("L1.0", {**tiny_settings, "nursing": {"combined": 0.25}})
        assert Experiment.from_dict(json.loads(json.dumps(nursed.to_dict()))) == nursed
        assert nursed.with_settings({"generations": 7}).params == nursed.params
        assert nursed.with_settings({"nursing": {"combined": 0.25}}) == nursed

    def test_a_misspelt_nursing_has_a_hint(self):
        with pytest.raises(ValueError, match="unknown setting 'nursin'; did you mean 'nursing'"):
            Experiment.build("L1.0", {"nursin": {}})

    def test_joined_by_name(self):
        first, second = {"width": 3, "nursing": {"rich_nursery": 1.0}}, {"nursing": {"risk_gating": 0.5}}
        assert join_settings(first, second) == {"width": 3, "nursing": {"rich_nursery": 1.0, "risk_gating": 0.5}}
        assert join_settings(first, {"nursing": {"rich_nursery": 0.5}})["nursing"] == {"rich_nursery": 0.5}
        assert first == {"width": 3, "nursing": {"rich_nursery": 1.0}}


class TestSources:
    def test_flags_join_and_win(self, tmp_path):
        settings = settings_of(
            tmp_path=tmp_path,
            toml='nursing = "sensory_gating:0.5+risk_gating:0.1"',
            assignments=("nursing=risk_gating:0.2",),
            nursings=("rich_nursery", "risk_gating:0.3"),
        )
        assert settings == {"nursing": {"sensory_gating": 0.5, "risk_gating": 0.3, "rich_nursery": 1.0}}

    def test_a_table_in_toml(self, tmp_path):
        settings = settings_of(tmp_path=tmp_path, toml="[nursing]\nsensory_gating = 0.5\nrisk_gating = 1")
        assert settings == {"nursing": {"sensory_gating": 0.5, "risk_gating": 1}}

    def test_written_in_one_text(self):
        assert parse_setting("nursing", "rich_nursery:0.5+risk_gating") == {"rich_nursery": 0.5, "risk_gating": 1.0}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--nursing", "sensory_gatin"), ("--nursing", "did you mean 'sensory_gating'")),
        (("--nursing", "sensory_gating:2"), ("--nursing", "strength must be 0 to 1, got 2")),
        (("--nursing", "combined", "--nursing", "risk_gating"), ("'combined' holds 'risk_gating' already",)),
        (("--nursing", "risk_gating:1", "--num-bad-sources", 0), ("'risk_gating' changes nothing here",)),
        (
            ("--nursing", "sensory_gating", "--grad-gain", "0:1@0:0.3"),
            ("'sensory_gating' sets grad_gain", "a schedule already, 0:1@0:0.3"),
        ),
        (("--set", "nursing=rich:1"), ("--set", "unknown nursing 'rich'")),
    ],
)
@pytest.mark.parametrize("command", ["evolve", "baseline"])
def test_invalid_nursing_is_one_line_and_writes_nothing(cli, tmp_path, command, arguments, words):
    where = ("--out", tmp_path / "run") if command == "evolve" else ()
    result = cli(command, "L0.2", *where, *arguments)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert all(word in result.err for word in words), result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["nursing = 3", "nursing = ['risk_gating']"])
def test_toml_that_is_no_nursing(cli, tmp_path, text):
    (tmp_path / "my.toml").write_text(text)
    result = cli("baseline", "L0.2", "--config", tmp_path / "my.toml")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "nursing must be NAME:STRENGTH or a table of strengths" in result.err


def test_a_baseline_lives_in_the_nursed_world(cli, monkeypatch):
    lived = []

    class Lives:
        def __init__(self, experiment, *_):
            lived.append(experiment)

        def evaluate_policy(self, name):
            return {"fitness": {"mean": 0.0, "se": 0.0}}

        def normalized(self, metrics):
            return None

    monkeypatch.setattr("koki2_train.evaluation.HeldOutLives", Lives)
    for flags in ((), ("--nursing", "energetic_buffer:0.5")):
        assert cli("baseline", "L0.2", *flags, "--json").code == 0
    nursed = Experiment.build("L0.2", {"nursing": {"energetic_buffer": 0.5}})
    assert lived == [Experiment.build("L0.2"), nursed]


def test_factors_may_each_nurse(tiny_settings):
    factors = {"gate": {"nursing": {"sensory_gating": 1.0}}, "rich": {"nursing": {"rich_nursery": 1.0}}}
    cells = {cell.name: cell.experiment for cell in make_cells("L1.0", tiny_settings, factors)}
    assert cells["gate+rich"].params == with_nursing(cells["none"].params, {"sensory_gating": 1.0, "rich_nursery": 1.0})
    with pytest.raises(ValueError, match="'a' and 'b' both set rich_nursery"):
        make_cells("L1.0", {}, {"a": factors["rich"], "b": factors["rich"]})


@pytest.fixture(scope="module")
def nursed(tiny_settings, tmp_path_factory):
    """A run of a nursed experiment that has a champion, though nothing was lived."""
    experiment = Experiment.build("L1.0", {**tiny_settings, "nursing": {"combined": 1.0}})
    run = RunDirectory(tmp_path_factory.mktemp("nursed") / "run")
    run.begin_invocation(Trial(experiment, 0), ["test"], ["cpu"])
    run.save_champion(np.zeros(Problem.of(experiment, 1).genome.size, np.float32), {})
    return run


def test_resuming_repeats_the_nursing_or_leaves_it_out(nursed, cli, monkeypatch):
    continued = []
    monkeypatch.setattr("koki2_train.cli.commands.evolve._evolve", lambda trials, *_: continued.append(trials) or 0)
    again = ("evolve", "L1.0", "--out", nursed.path, "--resume")
    assert cli(*again).code == 0
    assert cli(*again, "--nursing", "combined").code == 0
    assert continued == 2 * [{nursed.path: nursed.read_trial()}]
    other = cli(*again, "--nursing", "combined:0.25")
    assert (other.code, other.err.count("\n")) == (2, 1)
    assert f"{nursed.path}, which --resume continues: nursing 'energetic_buffer' sets energy_decay" in other.err


class TestAdults:
    """What is done to the experiment of a run is tested beside ``evaluate_runs``; here, that the flag does it."""

    @pytest.mark.parametrize("flags", [[], ["--adult"]])
    def test_evaluated_without_nursing(self, nursed, cli, monkeypatch, flags):
        lived = []
        monkeypatch.setattr(
            "koki2_train.evaluation.evaluate._evaluate",
            lambda candidates, *_: lived.append([each.world for each in candidates]) or {"runs": []},
        )
        assert cli("evaluate", nursed.path, *flags, "--json").json == {"runs": []}
        experiment = nursed.read_trial().experiment
        assert lived == [[experiment.without_nursing() if flags else experiment]]

    def test_drawn_without_nursing(self, nursed, cli, monkeypatch, tmp_path):
        drawn = []
        monkeypatch.setattr(
            "koki2_train.reporting.life_pictures.write_life",
            lambda env, params, *_, **__: drawn.append(params) or _LIFE,
        )
        assert cli("render", nursed.path, "--adult", "--life", 3, "--out", tmp_path).code == 0
        assert drawn == [nursed.read_trial().experiment.without_nursing().params]


class _LIFE:
    fitness = 0.0
