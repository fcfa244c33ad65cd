"""The files of a run, whole and damaged."""

import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from koki2_train.experiment import Experiment, Trial
from koki2_train.runs.directory import RunDirectory, RunError
from koki2_train.storage import checkpoint


@pytest.fixture(scope="module")
def experiment():
    settings = {"grad_gain": Experiment.build("L1.1").params.grad_gain, "pop_size": 8, "energy_gain": 0.1}
    return Experiment.build("L1.1", settings)


@pytest.fixture(scope="module")
def trial(experiment):
    return Trial(experiment, 5)


@pytest.fixture
def run(tmp_path, trial):
    run = RunDirectory(tmp_path / "run")
    begin(run, trial)
    return run


def begin(run, trial):
    run.begin_invocation(trial, ["evolve"], ["cpu"])


def row(generation):
    return {"generation": generation, "fitness_mean": 0.1 + generation, "seconds": 1.5}


def test_what_a_run_was_asked_is_read_back(run, trial):
    assert run.exists
    assert run.read_trial() == trial
    assert sorted(entry.name for entry in run.path.iterdir()) == ["config.json", "manifest.json"]


@pytest.mark.parametrize("name", ["config.json", "notes.txt", ".hidden", ".config.json.mine"])
def test_a_folder_with_something_in_it_is_not_begun(tmp_path, trial, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(RunError, match="choose another folder"), RunDirectory(tmp_path).open(trial):
        pass
    assert (tmp_path / name).read_text() == "mine"


def test_a_file_is_not_begun(tmp_path, trial):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError), RunDirectory(tmp_path / "file").open(trial):
        pass


def test_an_empty_folder_and_one_that_was_left_before_the_beginning_are_begun(tmp_path, trial):
    for name in ("empty", "left"):
        (tmp_path / name).mkdir()
    (tmp_path / "left" / ".config.json.abcd.part").write_text('{"exp')
    (tmp_path / "left" / ".lock").touch()
    for name in ("empty", "left"):
        with RunDirectory(tmp_path / name).open(trial) as run:
            begin(run, trial)
        assert RunDirectory(tmp_path / name).read_trial() == trial


def damaged(run, **experiment_part):
    data = json.loads((run.path / "config.json").read_text())
    return json.dumps({**data, "experiment": {**data["experiment"], **experiment_part}})


@pytest.mark.parametrize(
    "text",
    ["", "[]", "5", "null", '{"seed": 0}', '{"experiment": {}, "seed": 0}', '{"experiment": [], "seed": 0}', "\udcff"],
)
def test_a_config_that_is_none_is_rejected_by_name(run, text):
    (run.path / "config.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(RunError, match=r"config\.json cannot be read"):
        run.read_trial()


@pytest.mark.parametrize(
    "part",
    [
        {"structure": [4]},
        {"structure": {"num_sources": "four"}},
        {"structure": {}},
        {"structure": {"num_sources": 4, "walls": 2}},
        {"world": []},
        {"world": {"width": -3}},
        {"world": {"smell": 1.0}},
        {"brain": {"name": "spiking", "settings": {"n_neurons": [1, 2]}}},
        {"brain": {"name": "no.such:Brain", "settings": {}}},
        {"brain": None},
        {"rung": "L9.9"},
        {"rung": None},
    ],
)
def test_a_config_with_an_impossible_part_is_rejected_by_name(run, part):
    (run.path / "config.json").write_text(damaged(run, **part))
    with pytest.raises(RunError, match=r"config\.json cannot be read"):
        run.read_trial()


def test_resuming_another_trial_is_rejected_by_name(run, experiment, trial):
    run.check(trial, resume=True)
    run.check(trial.with_generations(12345), resume=True)
    with pytest.raises(RunError, match="begun with seed 5, not 6"):
        run.check(Trial(experiment, 6), resume=True)
    with pytest.raises(RunError, match=r"begun with rung L1\.1, not L1\.0"):
        run.check(Trial(Experiment.build("L1.0"), 5), resume=True)
    others = {"pop_size": 10, "energy_gain": 0.2, "num_sources": 5, "k_edges": 3, "mvt": True, "validate_every": 3}
    for name, value in others.items():
        old = experiment.settings()[name]
        message = f"begun with {name} {old}, not {value}; a resumed run cannot change it"
        with pytest.raises(RunError, match=re.escape(message)):
            run.check(Trial(experiment.with_settings({name: value}), 5), resume=True)


def test_generations_are_appended_and_read(run):
    assert run.read_generations() == []
    run.append_generations([row(0), row(1)])
    run.append_generations([])
    run.append_generations([row(2)])
    assert run.read_generations() == [row(0), row(1), row(2)]
    assert (run.path / "generations.jsonl").read_text().count("\n") == 3


@pytest.mark.parametrize(
    "torn", [b'{"generation": 2, "fitn', b"{", b"\xff\xfe", b"[1]\n", b"7\n", b'{"a": 1}\n', b"\n\n"]
)
def test_a_torn_end_is_left_out_and_then_written_anew(run, torn):
    run.append_generations([row(0), row(1)])
    with (run.path / "generations.jsonl").open("ab") as file:
        file.write(torn)
    assert run.read_generations() == [row(0), row(1)]
    run.rewind(2)
    run.append_generations([row(2)])
    assert run.read_generations() == [row(0), row(1), row(2)]


def test_rewinding_drops_what_comes_after_a_checkpoint(run):
    run.append_generations([row(n) for n in range(5)])
    for generation in (3, 4, 5):
        run.save_checkpoint(generation, {"x": np.zeros(3)}, {"generation": generation})
    assert run.reached == 5
    run.rewind(3)
    assert (run.read_generations(), run.reached) == ([row(0), row(1), row(2)], 3)
    run.rewind(0)
    assert (run.read_generations(), run.reached) == ([], 0)


@pytest.mark.parametrize("numbers", [[], [0, 1], [0, 2, 1], [0, 1, 1, 2], [1, 2, 3]])
def test_generations_that_are_missing_are_noticed(run, numbers):
    run.append_generations([row(n) for n in numbers])
    before = (run.path / "generations.jsonl").read_bytes()
    with pytest.raises(RunError, match=r"generations\.jsonl lacks generations before 3"):
        run.rewind(3)
    with pytest.raises(RunError, match=r"generations\.jsonl lacks generations before 3"):
        run.first_generations(3)
    assert (run.path / "generations.jsonl").read_bytes() == before


def test_the_manifest_tells_of_every_invocation(run, trial):
    run.end_invocation(generations=3)
    run.begin_invocation(trial, ["evolve", "--resume"], ["cpu"], processes=2)
    first, second = json.loads((run.path / "manifest.json").read_text())["invocations"]
    assert (first["command"], first["generations"], first["seed"]) == (["evolve"], 3, 5)
    assert "generations" not in second
    assert second["processes"] == 2
    assert run.last_invocation == second
    assert {"jax", "python", "koki2-train", "koki2-envs", "evosax"} <= first["versions"].keys()
    assert first["devices"] == ["cpu"]
    assert first["git"] is None or set(first["git"]) == {"commit", "changed"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"invocations": 3}'])
def test_a_damaged_manifest_is_named(run, trial, text):
    (run.path / "manifest.json").write_text(text)
    with pytest.raises(RunError, match=r"manifest\.json cannot be read.*remove it"):
        begin(run, trial)


def save(run, generation):
    run.save_checkpoint(generation, {"x": np.full(3, generation)}, {"generation": generation})


def test_the_newest_whole_checkpoint_is_used(run):
    assert run.load_checkpoint() is None
    for generation in (2, 4, 6, 8):
        save(run, generation)
    files = sorted((run.path / "checkpoints").iterdir())
    assert [file.name for file in files] == ["00000004.ckpt", "00000006.ckpt", "00000008.ckpt"]
    files[2].write_bytes(files[2].read_bytes()[:-5])
    files[1].write_bytes(b"")
    arrays, meta, warnings = run.load_checkpoint()
    assert meta["generation"] == 4
    assert arrays["x"].tolist() == [4, 4, 4]
    assert [name in warning for name, warning in zip(("00000008", "00000006"), warnings, strict=True)] == [True, True]
    files[0].write_bytes(b"")
    with pytest.raises(RunError, match=r"no checkpoint can be used: .*00000008.*00000006.*00000004.*; remove .*checkp"):
        run.load_checkpoint()


def test_a_whole_checkpoint_of_another_format_is_not_passed_over(run, monkeypatch):
    """It is newer than this program; what lies before it is not where the run stands."""
    save(run, 2)
    monkeypatch.setattr(checkpoint, "_FORMAT", 3)
    save(run, 4)
    monkeypatch.undo()
    with pytest.raises(RunError, match=r"00000004\.ckpt: format 3, this version reads 2"):
        run.load_checkpoint()


def test_a_checkpoint_of_another_run_is_rejected_by_name(run, experiment, trial):
    meta = {"generation": 3, "seconds": 1.5, "trial": json.loads(json.dumps(trial.to_dict()))}
    run.check_checkpoint(meta, trial)
    run.check_checkpoint(meta, trial.with_generations(12345))
    with pytest.raises(RunError, match="its newest checkpoint is of a run with seed 5, not 6"):
        run.check_checkpoint(meta, Trial(experiment, 6))
    with pytest.raises(RunError, match=r"its newest checkpoint is of a run with energy_gain 0\.1, not 0\.2"):
        run.check_checkpoint(meta, Trial(experiment.with_settings({"energy_gain": 0.2}), 5))


def test_a_champion_is_read_back(run):
    genome = np.arange(6, dtype=np.float32)
    run.save_champion(genome, {"validation_fitness": 3.5})
    champion = run.load_champion()
    np.testing.assert_array_equal(champion["genome"], genome)
    assert float(champion["validation_fitness"]) == 3.5


def test_a_champion_that_is_not_there_or_damaged_is_named(run):
    with pytest.raises(RunError, match=r"has no best_genome\.npz yet"):
        run.load_champion()
    run.save_champion(np.zeros(300, np.float32), {})
    whole = (run.path / "best_genome.npz").read_bytes()
    for data in (b"", b"x", whole[:-40], whole[:300], whole.replace(bytes(64), bytes(63) + b"\x01", 1)):
        (run.path / "best_genome.npz").write_bytes(data)
        with pytest.raises(RunError, match=r"best_genome\.npz cannot be read"):
            run.load_champion()
    for other in (
        {"genome": np.zeros(3)},
        {"genome": np.zeros(3), "format": 1},
        {"genome": np.zeros(3), "format": np.zeros(2)},
    ):
        np.savez(run.path / "best_genome.npz", **other)
        with pytest.raises(RunError, match="another format"):
            run.load_champion()


def snapshot(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class Bomb:
    """Unpickling it runs code that it chose: it touches a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_champion_is_never_unpickled(run, tmp_path):
    bomb = Bomb(tmp_path / "gone off")
    for data in (pickle.dumps(bomb), checkpoint.pack_arrays({"genome": np.asarray([bomb], object), "format": 2})):
        (run.path / "best_genome.npz").write_bytes(data)
        with pytest.raises(RunError, match=r"best_genome\.npz cannot be read: .*pickle"):
            run.load_champion()
    assert not (tmp_path / "gone off").exists()
    pickle.loads(pickle.dumps(bomb))
    assert (tmp_path / "gone off").exists(), "it would have"


def test_unfinished_copies_are_removed_and_nothing_else(run, trial):
    save(run, 2)
    left = ["config.json", "manifest.json", "generations.jsonl", "best_genome.npz"]
    unfinished = [run.path / f".{name}.x1y2z3.part" for name in left]
    unfinished.append(run.path / "checkpoints" / ".00000002.ckpt.x1y2z3.part")
    others = ["notes.part", ".life.png.x1y2z3.part", ".config.json.mine", "seed1/.config.json.x.part"]
    (run.path / "seed1").mkdir()
    for path in [*unfinished, *(run.path / name for name in others)]:
        path.write_text("left")
    before = snapshot(run.path)
    begin(run, trial)
    after = snapshot(run.path)
    for files in (before, after):
        files.pop(run.path / "manifest.json")
    assert after == {path: data for path, data in before.items() if path not in unfinished}
