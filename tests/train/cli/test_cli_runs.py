"""The command line: runs that begin, continue, are evaluated, break and come several at once."""

import json
import signal

import pytest
from test_cli import FEW, assert_rejected

from koki2_train.experiment import Trial
from koki2_train.runs.directory import RunDirectory


@pytest.fixture
def evolve(cli, tiny_flags, tmp_path):
    """Evolves the tiny experiment into ``tmp_path/run``."""

    def call(*arguments, rung="L1.0", out="run"):
        where = ("--out", tmp_path / out) if out else ()
        return cli("evolve", rung, *where, "--log-every", 2, "--devices", 1, *tiny_flags, *arguments)

    return call


def snapshot(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_run_from_beginning_to_evaluation(evolve, cli, tiny, finished, outcome, tmp_path):
    result = evolve("--json")
    assert result.code == 0, result.err
    assert result.err == ""
    (reported,) = result.json["runs"]
    assert result.json["rung"] == "L1.0"
    assert (reported["run"], reported["seed"], reported["generations"]) == (str(tmp_path / "run"), 0, 6)
    run = RunDirectory(tmp_path / "run")
    assert run.read_trial() == Trial(tiny, 0)
    assert outcome(run) == outcome(finished)
    expected = {"config.json", "manifest.json", "generations.jsonl", "best_genome.npz", "checkpoints"}
    assert {entry.name for entry in run.path.iterdir() if not entry.name.startswith(".")} == expected

    before = snapshot(tmp_path)
    assert_rejected(evolve(), "--out", str(tmp_path / "run"), "not empty", "--resume")
    assert_rejected(evolve("--resume", "--sigma", 0.3), "begun with sigma 0.15, not 0.3")
    assert_rejected(evolve("--resume", "--seed", 1), "begun with seed 0, not 1")
    assert_rejected(evolve("--resume", rung="L0.2"), "begun on L1.0, not L0.2")
    assert_rejected(evolve(out="run/config.json"), "--out", "config.json is not a folder")
    assert_rejected(evolve(out="run/config.json/deeper"), "--out", "config.json is not a folder")
    assert snapshot(tmp_path) == before

    same = ("--out", run.path, "--resume", "--log-every", 2, "--devices", 1)
    bare = cli("evolve", "L1.0", *same, "--generations", 8)
    assert bare.code == 0, bare.err
    assert run.read_trial() == Trial(tiny, 0).with_generations(8)
    other = cli("evolve", "L1.0", *same, "--sigma", 0.3)
    assert_rejected(other, "begun with sigma 0.15, not 0.3")
    again = evolve("--resume", "--generations", 8)
    assert again.code == 0
    assert "8 generations" in again.out
    assert len(run.read_generations()) == 8

    beside = ("--baseline", "greedy", "--baseline", "stay")
    evaluated = cli("evaluate", run.path, "--episodes", 8, "--seed", 3, *beside, "--json")
    assert (evaluated.code, evaluated.err, evaluated.out.count("\n")) == (0, "", 1)
    assert list(evaluated.json) == ["runs", "aggregate", "baselines"]
    (entry,) = evaluated.json["runs"]
    assert set(entry) == {"run", "rung", "metrics", "normalized"}
    assert all(set(value) == {"mean", "se"} for value in entry["metrics"].values())
    assert {"metrics", "n"} <= set(evaluated.json["aggregate"])
    assert set(evaluated.json["aggregate"]["metrics"]["fitness"]) == {"mean", "ci95"}
    assert list(evaluated.json["baselines"]) == ["greedy", "stay"]
    table = cli("evaluate", run.path, "--episodes", 8, "--seed", 3, "--baseline", "greedy")
    assert f"{entry['metrics']['fitness']['mean']:.2f}" in table.out

    settings = [f"{name}={value}" for name, value in tiny.settings().items() if name in ("width", "energy_gain")]
    world = [part for setting in ["energy_decay=0.08333333333333333", *settings] for part in ("--set", setting)]
    baseline = cli("baseline", "L1.0", *FEW, *world, "--seed", 3, "--policy", "greedy", "--json").json
    assert baseline["metrics"] == evaluated.json["baselines"]["greedy"]["metrics"], "the same seed, the same lives"


def test_evaluate_takes_other_settings_and_rejects_invalid_ones(cli, finished):
    as_trained = cli("evaluate", finished.path, "--episodes", 8, "--json").json
    bonus = cli("evaluate", finished.path, "--episodes", 8, "--set", "success_bonus=1050", "--json").json
    success = as_trained["runs"][0]["metrics"]["success"]["mean"]
    difference = bonus["runs"][0]["metrics"]["fitness"]["mean"] - as_trained["runs"][0]["metrics"]["fitness"]["mean"]
    assert success > 0
    assert difference == pytest.approx(1000 * success)
    assert_rejected(cli("evaluate", finished.path, "--set", "n_neurons=8"), "n_neurons is not a setting of the world")
    assert_rejected(cli("evaluate", finished.path, "--set", "width=0"), "width must be 1 to 4096, got 0")


def test_several_seeds_in_one_process_are_the_runs_of_each(evolve, cli, finished, outcome, tmp_path):
    result = evolve("--seeds", "0:2", "--json", out="many")
    assert [(reported["seed"], reported["run"]) for reported in result.json["runs"]] == [
        (seed, str(tmp_path / "many" / f"seed{seed}")) for seed in (0, 1)
    ]
    assert outcome(RunDirectory(tmp_path / "many" / "seed0")) == outcome(finished)
    evaluated = cli("evaluate", tmp_path / "many", "--episodes", 8, "--json").json
    assert [entry["run"][-5:] for entry in evaluated["runs"]] == ["seed0", "seed1"]
    low, high = evaluated["aggregate"]["metrics"]["fitness"]["ci95"]
    assert low < evaluated["aggregate"]["metrics"]["fitness"]["mean"] < high
    assert_rejected(evolve("--seeds", "1:3", out="many"), "many/seed1 is not empty")
    assert not (tmp_path / "many" / "seed2").exists()
    more = evolve("--seeds", "0:3", "--resume", out="many")
    assert more.code == 0
    assert f"koki2-train evaluate {tmp_path / 'many'}\n" in more.err
    assert f"koki2-train render {tmp_path / 'many' / 'seed0'}\n" in more.err
    assert (tmp_path / "many" / "seed2" / "best_genome.npz").exists()


@pytest.mark.parametrize("generations", [1, 6])
def test_ctrl_c_stops_a_series_of_seeds(evolve, monkeypatch, tmp_path, generations):
    """Also in the last chunk of a run, which comes to its end."""

    class Interrupting:
        def __init__(self, *_, **__):
            pass

        def __enter__(self):
            return self.observe

        def __exit__(self, *_):
            return False

        def observe(self, rows):
            if rows[-1]["generation"] + 1 == generations:
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("koki2_train.cli.commands.evolve.progress", Interrupting)
    result = evolve("--seeds", "0:2", "--json", out="many")
    assert result.code == 130
    assert len(json.loads(result.out)["runs"]) == 1
    assert len(RunDirectory(tmp_path / "many" / "seed0").read_generations()) == generations
    assert not (tmp_path / "many" / "seed1").exists()


def test_a_fresh_folder_where_none_is_named(evolve, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert evolve("--seed", 3, "--json", out=None).code == 0
    (path,) = (tmp_path / "runs").iterdir()
    assert path.name.endswith("_L1.0_seed3")
    assert RunDirectory(path).read_trial().seed == 3


def test_a_full_disk_is_a_failure_in_one_line(evolve, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    result = evolve()
    assert result.code == 1
    assert result.err.endswith("No space left on device\n")
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "data", "resumes", "evaluates"),
    [
        ("best_genome.npz", b"", True, False),
        ("best_genome.npz", None, True, True),
        ("best_genome.npz", b"PK\x03\x04 and no more", True, False),
        ("config.json", b"{", False, False),
        ("config.json", None, False, False),
        ("generations.jsonl", None, False, True),
        ("manifest.json", b"", False, True),
        ("manifest.json", None, True, True),
        ("checkpoints/00000006.ckpt", b"", True, True),
    ],
)
def test_damaged_runs(evolve, cli, finished, outcome, tmp_path, name, data, resumes, evaluates):
    expected = outcome(finished)
    for path, content in snapshot(finished.path).items():
        copy = tmp_path / "run" / path.relative_to(finished.path)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
    damaged = tmp_path / "run" / name
    if data is None:
        damaged.unlink()
    else:
        damaged.write_bytes(data)
    evaluated = cli("evaluate", tmp_path / "run", "--episodes", 8, "--json")
    assert evaluated.code == (0 if evaluates else 2)
    if not evaluates:
        assert_rejected(evaluated, damaged.name)
    again = evolve("--resume", "--json")
    assert again.code == (0 if resumes else 2), again.err
    if resumes:
        assert outcome(RunDirectory(tmp_path / "run")) == expected
    else:
        assert_rejected(again, "run" if data is None else damaged.name)
