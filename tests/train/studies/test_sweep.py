"""Sweeps: which grids there are, that a cell is the run it would be alone, and what is told and drawn of it."""

import dataclasses
import itertools
import json
import os
import shutil
import signal

import pytest

from koki2_envs import ramp, with_nursing
from koki2_train.experiment import Experiment
from koki2_train.runs.directory import RunError
from koki2_train.runs.lockstep import run_in_lockstep
from koki2_train.runs.planned import PlannedRun
from koki2_train.runs.runner import RunOptions
from koki2_train.studies.sweep import make_cells

HOW = RunOptions(1, log_every=2, chunk_seconds=1e9, checkpoint_seconds=0.0)


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
    def test_what_cannot_vary_is_refused_by_name(self, grid, message):
        with pytest.raises(ValueError, match=message):
            make_cells("L0.2", {"hazard_smell": 0.5}, grid)


@pytest.fixture(scope="module")
def cells(tiny_settings):
    return make_cells("L1.0", {**tiny_settings, "generations": 4}, {"sensory_gating": ["0", "1"]})


@pytest.fixture(scope="module")
def planned(cells):
    def plan(folder):
        return [
            PlannedRun(cell.experiment, seed, folder / cell.name / f"seed{seed}") for cell in cells for seed in (0, 3)
        ]

    return plan


@pytest.fixture(scope="module")
def swept(planned, tmp_path_factory):
    """A finished sweep. Read it, leave it as it is."""
    folder = tmp_path_factory.mktemp("sweep")
    assert run_in_lockstep(planned(folder), folder, HOW, command=["test"])
    return folder


class TestRuns:
    def test_each_is_the_run_that_it_would_be_alone(self, planned, swept, run_tiny, outcome, tmp_path):
        for run in planned(swept)[-2:]:  # those of one cell, which is not alike to what is compiled for all
            alone, _ = run_tiny(run.experiment, tmp_path / str(run.seed), seed=run.seed)
            assert outcome(run.directory) == outcome(alone)
            assert run.directory.read_config() == alone.read_config()

    def test_interrupted_and_resumed_to_the_same_bits(self, planned, swept, outcome, tmp_path):
        runs, seen = planned(tmp_path), []

        def interrupt(rows):
            seen.append(rows)
            if len(seen) == 1:
                os.kill(os.getpid(), signal.SIGINT)

        assert not run_in_lockstep(runs, tmp_path, HOW, command=["test"], observe=interrupt)
        standing = {run.directory.load_checkpoint()[1]["generation"] for run in runs}
        assert standing == {len(seen[0][0])} != {4}
        assert run_in_lockstep(runs, tmp_path, HOW, command=["test"])
        for ours, theirs in zip(runs, planned(swept), strict=True):
            assert outcome(ours.directory) == outcome(theirs.directory)
            ends = json.loads((ours.path / "manifest.json").read_text())["invocations"]
            assert [end["interrupted"] for end in ends] == [True, False]

    @pytest.mark.parametrize("lost", ["newest", "all"])
    def test_runs_that_stand_apart_go_on_from_where_all_have_been(
        self, planned, swept, outcome, tmp_path, capsys, lost
    ):
        shutil.copytree(swept, tmp_path, dirs_exist_ok=True)
        runs = planned(tmp_path)
        for run in runs:
            run.directory.write_manifest(["test"], ["cpu"])  # as if killed before the end was told
        kept = sorted((runs[1].path / "checkpoints").iterdir())
        for path in kept[-1:] if lost == "newest" else kept:
            path.unlink()

        def killed(rows):
            raise KeyboardInterrupt

        dying = dataclasses.replace(HOW, checkpoint_seconds=1e9)
        with pytest.raises(KeyboardInterrupt):
            run_in_lockstep(runs, tmp_path, dying, command=["test"], observe=killed)
        generation = 0 if lost == "all" else int(kept[-2].stem)
        assert f"warning: {runs[1].path} stands at generation {generation}; all go on" in capsys.readouterr().err
        assert {run.directory.reached for run in runs} == {generation}, "nothing is ahead of the lines that are there"

        assert run_in_lockstep(runs, tmp_path, HOW, command=["test"])
        assert capsys.readouterr().err == ""
        for ours, theirs in zip(runs, planned(swept), strict=True):
            assert outcome(ours.directory) == outcome(theirs.directory)

    def test_only_what_is_missing_is_computed(self, planned, swept, outcome, tmp_path):
        shutil.copytree(swept, tmp_path, dirs_exist_ok=True)
        runs, seen = planned(tmp_path), []
        shutil.rmtree(runs[2].path)
        (runs[3].path / "best_genome.npz").unlink()
        before = {path: path.stat().st_mtime_ns for run in runs[:2] for path in run.path.rglob("*")}
        assert run_in_lockstep(runs[:3], tmp_path, HOW, command=["test"], observe=seen.append)
        assert [len(rows) for rows in seen] == [1] * len(seen)
        assert run_in_lockstep(runs, tmp_path, HOW, command=["test"], observe=seen.append)
        assert sum(len(rows[0]) for rows in seen) == 4, "a champion is found without going anywhere"
        assert before == {path: path.stat().st_mtime_ns for run in runs[:2] for path in run.path.rglob("*")}
        for ours, theirs in zip(runs, planned(swept), strict=True):
            assert outcome(ours.directory) == outcome(theirs.directory)

    def test_none_has_more_generations_than_the_others(self, planned, swept):
        runs = planned(swept)
        fewer = [PlannedRun(run.experiment.with_settings({"generations": 3}), run.seed, run.path) for run in runs]
        with pytest.raises(RunError, match="seed0 has 4 generations already; --resume cannot go back to 3"):
            run_in_lockstep(fewer, swept, HOW, command=["test"])

    def test_another_experiment_in_its_place_is_refused(self, planned, swept):
        runs = planned(swept)
        other = PlannedRun(runs[0].experiment.with_settings({"energy_gain": 0.3}), 0, runs[0].path)
        with pytest.raises(RunError, match=r"was begun with energy_gain 0\.2, not 0\.3"):
            run_in_lockstep([other, *runs[1:]], swept, HOW, command=["test"])

    def test_a_folder_in_use_is_refused(self, planned, tmp_path):
        from koki2_train.storage.folder_lock import hold

        with hold(tmp_path), pytest.raises(RunError, match="is in use by another process"):
            run_in_lockstep(planned(tmp_path), tmp_path, HOW, command=["test"])
        assert {path.name for path in tmp_path.iterdir()} == {".lock"}


@pytest.fixture
def sweep(cli, tiny_flags, tmp_path):
    def call(*arguments, rung="L1.0"):
        few = ("--no-mvt", "--generations", 2, "--test-episodes", 8, "--log-every", 2, "--devices", 1, "--seeds", "0:2")
        return cli("sweep", rung, *tiny_flags, *few, "--out", tmp_path / "out", *arguments)

    return call


class TestCommand:
    VARY = ("--vary", "sensory_gating=0,1")

    def test_what_it_tells_and_keeps_of_both_sides(self, sweep, cli, held_out_variant, tmp_path):
        told = sweep(*self.VARY, "--json").json
        out = tmp_path / "out"
        assert told == json.loads((out / "sweep.json").read_text())
        for name in ("sweep.png", "sweep_held_out.png"):
            assert (out / name).read_bytes().startswith(b"\x89PNG")
        assert (told["grid"], told["seeds"]) == ({"sensory_gating": ["0", "1"]}, [0, 1])
        first, second = told["cells"]
        assert first["difference"] == {"mean": 0.0, "ci95": [0.0, 0.0]}
        apart = [second["fitness_by_seed"][seed] - first["fitness_by_seed"][seed] for seed in "01"]
        assert second["difference"]["mean"] == pytest.approx(sum(apart) / 2)
        assert told["baselines"].keys() == {"random", "greedy", "oracle"}
        judged = cli("evaluate", out / second["cell"], "--adult", "--episodes", 8, "--json").json
        assert judged["aggregate"]["metrics"] == second["metrics"]
        assert judged["aggregate"]["normalized"] == pytest.approx(second["normalized"])
        assert told["held_out"].keys() == {"knobs", "cells", "baselines"}
        assert told["held_out"]["knobs"] == held_out_variant
        assert told["held_out"]["cells"][1]["metrics"] == judged["held_out"]["aggregate"]["metrics"]

        again = sweep(*self.VARY, "--resume", "--json").json
        assert again["cells"] == told["cells"]
        assert told["env_steps"] == 4 * told["env_steps_per_run"] > again["env_steps"] == 0
        shutil.rmtree(out / second["cell"] / "seed1")
        again = sweep(*self.VARY, "--resume", "--json").json
        assert (again["cells"], again["env_steps"]) == (told["cells"], told["env_steps_per_run"])
        refused = sweep(*self.VARY)
        assert (refused.code, "is not empty; --resume goes on" in refused.err) == (2, True)
        other = sweep("--vary", "sensory_gating=0,0.5", "--resume")
        assert (other.code, "was begun with grid" in other.err) == (2, True)

    def test_each_in_its_own_world_of_which_there_is_no_other_side(self, sweep, cli, held_out_variant, tmp_path):
        told = sweep("--vary", "respawn_delay=3,9", "--test-world", "own")
        assert "each cell's own world" in told.out
        result = json.loads((tmp_path / "out" / "sweep.json").read_text())
        assert not {"baselines", "held_out"} & result.keys()
        judged = cli("evaluate", tmp_path / "out" / "respawn_delay=9", "--episodes", 8, "--json").json
        assert judged["aggregate"]["metrics"] == result["cells"][1]["metrics"]

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
    def test_what_cannot_be_is_one_line_and_writes_nothing(self, sweep, tmp_path, arguments, words):
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


def result_of(grid, seeds):
    """What ``sweep.json`` might hold."""
    cells = []
    for number, texts in enumerate(itertools.product(*grid.values())):
        mean = 100.0 + number
        ci95 = [mean - 3, mean + 3] if len(seeds) > 1 else [None, None]
        values = dict(zip(grid, texts, strict=True))
        by_seed = {str(seed): mean + seed for seed in seeds}
        cells.append(
            {"values": values, "metrics": {"fitness": {"mean": mean, "ci95": ci95}}, "fitness_by_seed": by_seed}
        )
    facts = {"rung": "L0.2", "seeds": list(seeds), "test_episodes": 8, "generations": 4, "test_world": "own"}
    return {**facts, "grid": grid, "cells": cells, "baselines": {"random": {"mean": 90.0}, "oracle": {"mean": 130.0}}}


class TestPicture:
    def drawn(self, grid, seeds=(0, 1)):
        from koki2_train.reporting.sweep_chart import sweep_chart

        return sweep_chart(result_of(grid, seeds))

    @pytest.mark.parametrize("seeds", [(0, 1, 2), (5,)])
    def test_one_knob_of_numbers_stands_on_an_axis_of_numbers(self, seeds):
        (ax,) = self.drawn({"combined": ["0", "0.25", "1"]}, seeds).axes
        assert ax.get_xticks().tolist() == [0.0, 0.25, 1.0]
        low, high = ax.get_ylim()
        assert low < 90.0 < 130.0 < high
        means = next(line for line in ax.lines if line.get_xdata().tolist() == [0.0, 0.25, 1.0])
        assert means.get_ydata().tolist() == [100.0, 101.0, 102.0]

    def test_one_knob_of_words_is_not_joined(self):
        (ax,) = self.drawn({"nursing": ["rich_nursery", "risk_gating"]}).axes
        assert [tick.get_text() for tick in ax.get_xticklabels()] == ["rich\nnursery", "risk\ngating"]
        lines = [line for line in ax.lines if line.get_linestyle() == "-"]  # intervals, each at its place
        assert sorted(set(map(tuple, (line.get_xdata() for line in lines)))) == [(0.0, 0.0), (1.0, 1.0)]

    def test_two_knobs_are_a_map_with_numbers(self):
        (ax,) = self.drawn({"combined": ["0", "1"], "obs_noise": ["0", "0.1", "0.2"]}).axes
        texts = {tuple(map(int, text.get_position())): text.get_text() for text in ax.texts}
        assert texts[0, 0] == "100.0\n± 3.0"
        assert texts[0, 2] == "102.0\n± 3.0"  # the last name varies fastest, and goes up
        assert texts[1, 0] == "103.0\n± 3.0"

    def test_more_knobs_are_a_map_for_each_of_their_values(self):
        figure = self.drawn({"a": ["0", "1"], "b": ["0", "1"], "c_d": ["0", "1"], "e": ["x"]}, seeds=(0,))
        assert [ax.get_title(loc="left") for ax in figure.axes] == ["c d 0, e x", "c d 1, e x"]
        assert {text.get_text() for text in figure.axes[1].texts} == {"101.0", "103.0", "105.0", "107.0"}
