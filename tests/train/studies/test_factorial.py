"""Factorial studies: equal budgets, one world without nursing for all, and what factors change alone and together."""

import json
import warnings

import numpy as np
import pytest

from koki2_train.evaluation.statistics import interval
from koki2_train.experiment import Experiment
from koki2_train.runs.directory import RunError, RunWarning
from koki2_train.studies.cells import CellChampions, check_worlds
from koki2_train.studies.factorial import effects_of, evaluate_cells, make_cells, world_without_factors

TEST = {"mvt": True, "mvt_min_action_entropy": 0.5}


def test_every_combination_at_the_budget_of_none(tiny_settings):
    settings = {**tiny_settings, "mvt": False, "generations": 100}
    cells = make_cells("L0.2", settings, {"a": {"obs_noise": 0.1}, "b": TEST})
    assert [cell.name for cell in cells] == ["none", "b", "a", "a+b"]
    assert [cell.levels for cell in cells[1:3]] == [{"a": False, "b": True}, {"a": True, "b": False}]
    assert [cell.experiment.params.obs_noise for cell in cells] == [0.0, 0.0, 0.1, 0.1]
    assert [cell.experiment.mvt.mvt for cell in cells] == [False, True, False, True]
    budget = cells[0].env_steps
    for cell in cells:
        generations = cell.experiment.evolution.generations
        assert (
            cell.env_steps
            == cell.experiment.env_steps_of_run(generations)
            <= budget
            < cell.experiment.env_steps_of_run(generations + 1)
        )
    assert cells[1].experiment.evolution.generations < cells[2].experiment.evolution.generations == 100


class TestBudget:
    @pytest.mark.parametrize(
        "factor",
        [
            {"pop_size": 12}, {"episodes": 5}, {"max_steps_in_episode": 24}, {"mvt": True, "mvt_episodes": 3},
            {"validation_episodes": 64}, {"validate_every": 1}, {"validation_top": 3},
        ],
    )  # fmt: skip
    def test_whatever_costs_steps_is_paid_for_with_generations(self, tiny_settings, factor):
        settings = {**tiny_settings, "mvt": False, "generations": 200}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            without, cell = make_cells("L0.2", settings, {"costly": factor})
        assert 0.95 * without.env_steps < cell.env_steps <= without.env_steps
        assert cell.env_steps == cell.experiment.env_steps_of_run(cell.experiment.evolution.generations)
        assert cell.experiment.evolution.generations < 200

    @pytest.mark.parametrize(
        ("factor", "message"),
        [
            ({"generations": 400}, "factor 'more' sets generations, but all cells have the same budget"),
            ({"pop_size": 60}, r"more: a run of one generation takes \d+ world steps, more than the budget of \d+"),
            ({"sigma": 0.15}, "factor 'more' changes nothing"),
            ({"nursing": {"sensory_gating": 0.0}}, "factor 'more' changes nothing"),
            ({"pop_size": 7}, "more: pop_size must be even"),
        ],
    )
    def test_what_no_budget_can_pay_for_is_rejected(self, tiny_settings, factor, message):
        with pytest.raises(ValueError, match=message):
            make_cells("L0.2", tiny_settings, {"other": {"obs_noise": 0.1}, "more": factor})

    def test_a_budget_that_is_missed_by_far_is_told(self, tiny_settings):
        with pytest.warns(RunWarning, match=r"more: its 3 generations take \d+ world steps of a budget of \d+"):
            make_cells("L0.2", {**tiny_settings, "mvt": False, "validate_every": 10}, {"more": {"pop_size": 10}})


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["none"], "none is the name of the cell without factors"),
        (["None"], "none is the name of the cell without factors"),
        (["a+b"], "factor 'a\\+b': a name consists of letters"),
        (["a/b"], "factor 'a/b': a name consists of letters"),
        ([".."], "factor '..': a name consists of letters"),
        ([""], "factor '': a name consists of letters"),
        (["a\n"], "a name consists of letters"),
        (["-a"], "begins with no -"),
        (["Gate", "gate"], "factors 'Gate' and 'gate' differ in case alone"),
        (["ß", "ss"], "factors 'ß' and 'ss' differ in case alone"),
        (["a" * 150, "b" * 150], "is too long for a folder"),
    ],
)
def test_names_that_make_no_folder_of_their_own_are_rejected(tiny_settings, names, message):
    factors = {name: {"obs_noise": 0.1} if index else TEST for index, name in enumerate(names)}
    with pytest.raises(ValueError, match=message):
        make_cells("L0.2", {**tiny_settings, "generations": 100}, factors)


def test_effects_and_interactions_by_hand():
    """Of three factors: by the definitions, level by level."""
    cells = make_cells("L0.2", {}, {"a": {"obs_noise": 0.1}, "b": {"grad_gain": 0.5}, "c": {"sigma": 0.3}})
    a, b, c = np.asarray([1.0, 2.0, 4.0]), np.asarray([3.0, 3.0, 3.5]), np.asarray([0.5, 0.0, -2.0])
    together = np.asarray([10.0, 20.0, 40.0])
    fitness = {
        cell.name: list(
            100 + a * cell.levels["a"] + b * cell.levels["b"] + c * cell.levels["c"]
            + together * (cell.levels["a"] and cell.levels["c"])
        )
        for cell in cells
    }  # fmt: skip
    expected = {"a": a + together / 2, "b": b, "c": c + together / 2}
    found = effects_of(cells, fitness)
    for effect, (name, each) in zip(found["effects"], expected.items(), strict=True):
        assert effect["factor"] == name
        assert effect["difference"]["mean"] == pytest.approx(each.mean())
        assert effect["difference"]["ci95"] == pytest.approx(interval(list(each)))
    pairs = {("a", "b"): np.zeros(3), ("a", "c"): together, ("b", "c"): np.zeros(3)}
    for interaction, (names, each) in zip(found["interactions"], pairs.items(), strict=True):
        assert interaction["factors"] == list(names)
        assert interaction["difference"]["mean"] == pytest.approx(each.mean(), abs=1e-9)
        assert interaction["difference"]["ci95"] == pytest.approx(interval(list(each)), abs=1e-9)
    two_by_two = make_cells("L0.2", {}, {"a": {"obs_noise": 0.1}, "b": {"grad_gain": 0.5}})
    (one,) = effects_of(two_by_two, {"none": [10.0], "a": [13.0], "b": [11.0], "a+b": [20.0]})["interactions"]
    assert one["difference"] == {"mean": 6.0, "ci95": [None, None]}, "(20 - 11) - (13 - 10)"


class TestWhereChampionsLive:
    @pytest.fixture
    def study(self, tiny_settings, tmp_path):
        """Champions of two cells that were never evolved: one with another, larger brain, and all nursed."""
        settings = {**tiny_settings, "mvt": False, "nursing": {"sensory_gating": 1.0}}
        cells = make_cells("L0.2", settings, {"big": {"n_neurons": 8, "theta": 0.3}})
        for cell, size in zip(cells, (71, 93), strict=True):
            run = cell.run(tmp_path, 0)
            run.directory.begin_invocation(run.trial, ["test"], ["cpu"])
            run.directory.save_champion(np.sin(np.arange(size, dtype=np.float32)), {})
            rows = [{"generation": n, "pass_rate": 0.5} for n in range(6)]
            run.directory.append_generations(rows)
        return cells, tmp_path

    def test_in_the_world_without_factors_and_nursing_with_the_brain_they_evolved_with(self, study, monkeypatch):
        lived = []

        class Lives:
            def __init__(self, experiment, *_):
                self.experiment = experiment

            def evaluate_genomes(self, genomes, names, evolved):
                lived.append((self.experiment, evolved, genomes.shape))
                return [{"fitness": {"mean": 1.0, "se": 0.1}}]

            def evaluate_policy(self, name):
                return {"fitness": {"mean": 0.0, "se": 0.1}}

            def normalized(self, metrics):
                return 0.5

        monkeypatch.setattr("koki2_train.studies.factorial.HeldOutLives", Lives)
        (without, big), out = study
        result = evaluate_cells([without, big], [0], out, 4, 0)
        adult = without.experiment.without_nursing()
        assert world_without_factors([without, big]) == adult != without.experiment
        assert lived == [(adult, without.experiment, (1, 71)), (adult, big.experiment, (1, 93))]
        assert {"effects", "interactions", "baselines"} <= result.keys()
        lived.clear()
        own = evaluate_cells([without, big], [0], out, 4, 0, own_world=True)
        assert [world for world, *_ in lived] == [without.experiment, big.experiment]
        assert "baselines" not in own

    def test_a_factor_whose_champions_fit_no_other_world_is_rejected_at_once(self, study, monkeypatch):
        (without, big), _ = study
        check_worlds([without, big], world_without_factors([without, big]))
        bare = Experiment.build("L2.0")
        with pytest.raises(ValueError, match="none: the world of evaluation has other senses"):
            check_worlds([without, big], bare)
        check_worlds([without, big], None)

    @pytest.mark.parametrize("text", ["", "no row\n", '{"generation": 0}\n', '{"generation": 0, "pass_rate": "x"}\n'])
    def test_a_damaged_log_is_named(self, study, text, monkeypatch):
        cells, out = study
        monkeypatch.setattr(CellChampions, "evaluate", lambda *_: ([], {"fitness_by_seed": {"0": 1.0}}))
        monkeypatch.setattr("koki2_train.studies.factorial.baselines_on", lambda _: {})
        (cells[1].run(out, 0).path / "generations.jsonl").write_text(text)
        with pytest.raises(RunError, match=r"big/seed0/generations\.jsonl"):
            evaluate_cells(cells, [0], out, 4, 0)


@pytest.fixture
def factorial(cli, tiny_flags, tmp_path):
    def call(*arguments):
        few = ("--no-mvt", "--generations", 2, "--test-episodes", 8, "--devices", 1, "--seeds", "0:2")
        return cli("factorial", "L0.2", *tiny_flags, *few, "--out", tmp_path / "out", *arguments)

    return call


def test_what_it_reports_and_keeps_of_world_and_variant(factorial, cli, variant, tmp_path):
    factors = ("--factor", "frugal:energy_decay=0.05")
    reported = factorial(*factors, "--json").json
    assert reported == json.loads((tmp_path / "out" / "factorial.json").read_text())
    without = ("--set", f"energy_decay={1 / 12}", "--episodes", 8, "--json")
    evaluated = {name: cli("evaluate", tmp_path / "out" / name, *without).json for name in ("none", "frugal")}
    for part, other in ((reported, None), (reported["held_out"], "held_out")):
        fitness = []
        for cell, name in zip(part["cells"], ("none", "frugal"), strict=True):
            expected = (evaluated[name][other] if other else evaluated[name])["aggregate"]
            assert (cell["cell"], cell["factors"]) == (name, {"frugal": name == "frugal"})
            assert cell["fitness"] == expected["metrics"]["fitness"]
            assert cell["normalized"] == pytest.approx(expected["normalized"])
            fitness.append([cell["fitness_by_seed"][seed] for seed in "01"])
        (effect,) = part["effects"]
        assert effect["difference"]["mean"] == pytest.approx(np.subtract(*fitness[::-1]).mean())
        assert part["interactions"] == []
        assert part["baselines"].keys() == {"random", "greedy", "oracle"}
    assert reported["held_out"]["knobs"] == variant
    assert [(cell["generations"], cell["pass_rate_first"]) for cell in reported["cells"]] == [(2, 1.0), (2, 1.0)]

    again = factorial(*factors, "--resume")
    assert again.code == 0
    assert "held-out variant (energy_reward = 7)" in again.out
    rejected = factorial(*factors)
    assert (rejected.code, "is not empty; --resume continues" in rejected.err) == (2, True)
    shorter = factorial(*factors, "--resume", "--generations", 1)
    assert (shorter.code, "has 2 generations already; it cannot go back to 1" in shorter.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--factor", "gate"), "--factor takes NAME:KEY=VALUE[,KEY=VALUE], got 'gate'"),
        (("--factor", "a b/c:obs_noise=0.1"), "--factor takes NAME:KEY=VALUE[,KEY=VALUE]"),
        (("--factor", "a:obs_noise=0.1", "--factor", "a:sigma=1"), "--factor: two factors have the same name"),
        (("--factor", "a:obs_noise=0.1", "--factor", "b:obs_noise=1"), "factors 'a' and 'b' both set obs_noise"),
        (("--factor", "a:obs_nois=0.1"), "unknown setting 'obs_nois'; did you mean 'obs_noise'"),
        (("--factor", "a:obs_noise=-1"), "a: obs_noise must be at least 0, got -1"),
        (("--factor", "none:obs_noise=1"), "none is the name of the cell without factors"),
        (("--factor", "a:generations=4"), "factor 'a' sets generations"),
    ],
)
def test_invalid_input_is_one_line_and_writes_nothing(factorial, tmp_path, arguments, words):
    result = factorial(*arguments)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1), result.err
    assert words in result.err
    assert list(tmp_path.iterdir()) == []
