"""The command line: what it prints where, how it refuses, and which setting wins."""

import json
import signal

import click
import pytest

from koki2_envs import RUNGS, Schedule
from koki2_train.cli.evolve import command as evolve_command
from koki2_train.cli.main import _COMMANDS
from koki2_train.cli.options import _GROUPS, parse_seeds
from koki2_train.experiment import ALIASES, Experiment, all_setting_names
from koki2_train.lifetime import METRICS
from koki2_train.run_directory import RunDirectory

SHORT = {alias: name for name, alias in ALIASES.items()}
FEW = ("--episodes", 8, "--steps", 12)


@pytest.fixture
def evolve(cli, tiny_flags, tmp_path):
    """Evolves the tiny experiment into ``tmp_path/run``."""

    def call(*arguments, rung="L1.0", out="run"):
        where = ("--out", tmp_path / out) if out else ()
        return cli("evolve", rung, *where, "--log-every", 2, "--devices", 1, *tiny_flags, *arguments)

    return call


@pytest.fixture
def planned(cli, monkeypatch):
    """The experiment that a command line stands for, without running it."""

    def call(*arguments, rung="L0.2"):
        seen = []
        monkeypatch.setattr("koki2_train.cli.evolve._check_places", lambda *_: None)
        monkeypatch.setattr("koki2_train.cli.evolve._run_one", lambda experiment, *_: seen.append(experiment) or _DONE)
        result = cli("evolve", rung, "--out", "nowhere", *arguments)
        assert (result.code, len(seen)) == (0, 1), result.err
        return seen[0]

    return call


_DONE = ({"interrupted": False}, False)


def snapshot(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def assert_refused(result, *words):
    assert result.code == 2
    assert result.out == ""
    assert result.err.count("\n") == 1, result.err
    assert result.err.startswith("koki2-train: ")
    assert "Traceback" not in result.err
    for word in words:
        assert word in result.err


# Help


def test_help_wakes_neither_jax_nor_gymnax(python):
    code = (
        "import sys\n"
        "from koki2_train.cli import main\n"
        "for arguments in (['--help'], ['evolve', '--help'], ['baseline', '--help'], ['ladder']):\n"
        "    assert main(arguments) == 0\n"
        "heavy = {'jax', 'jaxlib', 'gymnax', 'evosax', 'optax', 'flax', 'scipy', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    out, err = (process := python("-c", code)).communicate(timeout=60)
    assert process.returncode == 0, err
    assert all(name in out for name in _COMMANDS)


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["evolve", "-h"], ["--version"], ["ladder", "--help"]])
def test_help_is_no_error(cli, arguments):
    result = cli(*arguments)
    assert (result.code, result.err) == (0, "")
    assert result.out


def test_no_command_prints_the_help_and_fails(cli):
    result = cli()
    assert (result.code, result.out) == (2, "")
    assert "Commands:\n" in result.err


def test_every_setting_has_a_flag_under_its_group(cli):
    text = cli("evolve", "--help").out
    flags = {parameter.name: parameter for parameter in evolve_command.params}
    for name in all_setting_names():
        flag = f"--{SHORT.get(name, name).replace('_', '-')}"
        assert flag in flags[name].opts, name
        headings = [f"\n{group.capitalize()}:\n" for group in _GROUPS]
        start = text.index(f"\n{flags[name].group.capitalize()}:\n")
        end = min((text.index(h) for h in headings if h in text and text.index(h) > start), default=len(text))
        assert f" {flag} " in text[start:end] or f" {flag}\n" in text[start:end], f"{flag} under {flags[name].group}"


# Refusals


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["basline"], ["no such command 'basline'; did you mean 'baseline'?"]),
        (["baseline"], ["RUNG"]),
        (["baseline", "L9.9"], ["unknown rung 'L9.9'", "L0.0", "L1.1"]),
        (["baseline", "L0.0", "--energie-gain", "1"], ["no such option '--energie-gain'", "mean '--energy-gain'?"]),
        (["baseline", "L0.0", "--policy", "clever"], ["--policy", "'clever'", "'greedy'"]),
        (["baseline", "L0.0", "--episodes", "0"], ["--episodes", "0 is not in the range 1<=x"]),
        (["baseline", "L0.0", "--seed", "-1"], ["--seed", "-1"]),
        (["baseline", "L0.0", "--seed", str(2**32)], ["--seed", "4294967296"]),
        (["baseline", "L0.0", "--grad-gain", "nan"], ["--grad-gain", "nan", "at least 0"]),
        (["baseline", "L0.0", "--grad-gain", "inf"], ["--grad-gain", "inf", "at least 0"]),
        (["baseline", "L0.0", "--grad-gain", "0:1@0:2"], ["--grad-gain", "2", "0 to 1"]),
        (["baseline", "L0.0", "--grad-dropout-p", "1.5"], ["--grad-dropout-p", "1.5", "0 to 1"]),
        (["baseline", "L0.0", "--width", "0"], ["--width", "got 0", "1 to 4096"]),
        (["baseline", "L0.0", "--steps", "3000000000"], ["--steps", "3000000000", "2147483647"]),
        (["baseline", "L0.0", "--num-bad-sources", "2"], ["num_bad_sources must be at most num_sources = 1, got 2"]),
        (["baseline", "L0.0", "--set", "width"], ["--set takes KEY=VALUE, got 'width'"]),
        (["baseline", "L0.0", "--set", "widht=3"], ["--set 'widht=3'", "did you mean 'width'?"]),
        (["baseline", "L0.0", "--set", "width=0"], ["width must be 1 to 4096, got 0"]),
        (["baseline", "L0.0", "--config", "none.toml"], ["--config none.toml", "No such file"]),
        (["baseline", "L0.0", "--config", "."], ["--config .", "Is a directory"]),
        (["baseline", "L0.0", "--preset", "quik"], ["--preset", "did you mean 'quick'?"]),
        (["evolve", "L0.2", "--pop-size", "7"], ["pop_size must be even", "got 7"]),
        (["evolve", "L0.2", "--pop-size", "2.5"], ["--pop-size", "'2.5'", "whole number"]),
        (["evolve", "L0.2", "--k-edges", "32"], ["k_edges must be at most n_neurons - 1 = 31, got 32"]),
        (["evolve", "L0.2", "--sigma", "0:1"], ["--sigma", "cannot be a schedule", "'0:1'"]),
        (["evolve", "L0.2", "--validation-top", "129"], ["validation_top must be at most pop_size = 128, got 129"]),
        (["evolve", "L0.2", "--generations", "0"], ["--generations", "got 0", "at least 1"]),
        (["evolve", "L0.2", "--devices", "0"], ["--devices", "0"]),
        (["evolve", "L0.2", "--devices", "5000"], ["--devices", "5000"]),
        (["evolve", "L0.2", "--log-every", "0"], ["--log-every", "0"]),
        (["evolve", "L0.2", "--checkpoint-seconds", "nan"], ["--checkpoint-seconds", "nan"]),
        (["evolve", "L0.2", "--seed", "0", "--seeds", "0:2"], ["--seed and --seeds"]),
        (["evolve", "L0.2", "--resume"], ["--resume needs --out"]),
        (["evaluate"], ["RUNS"]),
        (["evaluate", "nowhere"], ["nowhere is no run directory"]),
        (["evaluate", "nowhere", "--baseline", "clever"], ["--baseline", "'clever'"]),
        (["evaluate", "nowhere", "--set", "eta=1"], ["unknown setting 'eta'"]),
    ],
)
def test_bad_input_is_refused_in_one_line(cli, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert_refused(cli(*arguments), *words)
    assert list(tmp_path.iterdir()) == [], "nothing is written"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("width = [1, 2]", ["width", "[1, 2]"]),
        ("pop_size = [2, 4]", ["pop_size", "[2, 4]"]),
        ("width = 2.5", ["width must be a whole number, got 2.5"]),
        ("energy_gain = nan", ["energy_gain must be at least 0, got nan"]),
        ("energy_gain = 'lots'", ["energy_gain must be a number, got 'lots'"]),
        ("energy_gain = 2020-01-01", ["energy_gain must be a number"]),
        ("energy_gain = {start = 0}", ["energy_gain", "a schedule has start, end, from_phi, to_phi; got ['start']"]),
        ("energy_gain = {start = 0, end = 1, form = 2}", ["energy_gain", "form"]),
        ("energy_gian = 1", ["unknown setting 'energy_gian'; did you mean 'energy_gain'?"]),
        ("[world]\nwidht = 1", ["unknown setting 'widht'; did you mean 'width'?"]),
        ("[a.b]\nwidth = 1", ["unknown setting 'b'"]),
        ("width = 1\nwidth = 2", ["not TOML"]),
        ("größe = 1", ["not TOML"]),
        ("\udcff\udcfe", ["utf-8"]),
    ],
)
def test_bad_config_files_are_refused_by_name(cli, tmp_path, text, words):
    (tmp_path / "c.toml").write_bytes(text.encode(errors="surrogateescape"))
    assert_refused(cli("evolve", "L0.2", "--config", tmp_path / "c.toml", "--out", tmp_path / "run"), *words)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("text", ["0:5", "3:4", "0,3,7", "4294967295"])
def test_seeds_that_are_read(text):
    seeds = parse_seeds(None, None, text)
    assert seeds == {"0:5": (0, 1, 2, 3, 4), "3:4": (3,), "0,3,7": (0, 3, 7), "4294967295": (2**32 - 1,)}[text]


@pytest.mark.parametrize(
    "text", ["", "0:0", "3:1", "1,1", "-1,2", "-2:2", "a", "0:b", "0:5:2", "1.5", ",", "0:99999999999", "4294967296"]
)
def test_seeds_that_are_refused(text):
    with pytest.raises(click.BadParameter) as caught:
        parse_seeds(None, None, text)
    assert repr(text) in str(caught.value)


# Which setting wins


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


# What is printed


def test_the_ladder(cli):
    assert all(rung in cli("ladder").out for rung in RUNGS)
    data = cli("ladder", "--json").json
    assert [row["rung"] for row in data["rungs"]] == list(RUNGS)
    (row,) = cli("ladder", "L1.1", "--json").json["rungs"]
    assert (row["rung"], row["structure"], row["knobs"]["grad_dropout_p"]) == ("L1.1", {"num_sources": 4}, 0.5)
    assert "grad_dropout_p" in cli("ladder", "L1.1").out
    assert_refused(cli("ladder", "L7"), "unknown rung 'L7'")


def test_a_baseline_as_json(cli):
    result = cli("baseline", "L1.0", *FEW, "--seed", 3, "--policy", "oracle", "--json")
    assert result.err == ""
    assert result.out.count("\n") == 1
    data = result.json
    assert list(data) == ["rung", "policy", "episodes", "seed", "metrics", "normalized"]
    assert [data[name] for name in list(data) if name != "metrics"] == ["L1.0", "oracle", 8, 3, 1.0]
    assert set(METRICS) <= set(data["metrics"])
    assert all(set(value) == {"mean", "se"} for value in data["metrics"].values())
    together = cli("baseline", "L1.0", *FEW, "--seed", 3, "--policy", "all", "--json").json["policies"]
    assert set(together) == {"random", "stay", "straight", "greedy", "oracle"}
    assert together["oracle"] == {"metrics": data["metrics"], "normalized": 1.0}
    assert together["random"]["normalized"] == 0.0
    assert cli("baseline", "L1.0", *FEW, "--seed", 4, "--policy", "oracle", "--json").json["metrics"] != data["metrics"]


def test_numbers_that_are_not_finite_are_null_in_json(cli):
    result = cli("baseline", "L1.0", *FEW, "--survival-reward", "3e38", "--json")
    assert result.code == 0
    assert result.json["metrics"]["fitness"] == {"mean": None, "se": None}
    assert result.json["metrics"]["steps_alive"]["mean"] == 12


def test_a_baseline_as_a_table(cli):
    result = cli("baseline", "L1.0", *FEW, "--policy", "stay")
    assert (result.code, result.err) == (0, "")
    assert all(word in result.out for word in ("L1.0, 8 lives, seed 0", "stay", "random", "oracle", "fitness ± se"))


def test_a_run_from_beginning_to_evaluation(evolve, cli, tiny, finished, outcome, tmp_path):
    result = evolve("--json")
    assert result.code == 0, result.err
    assert result.err == ""
    (told,) = result.json["runs"]
    assert result.json["rung"] == "L1.0"
    assert (told["run"], told["seed"], told["generations"]) == (str(tmp_path / "run"), 0, 6)
    run = RunDirectory(tmp_path / "run")
    assert run.read_config() == (tiny, 0)
    assert outcome(run) == outcome(finished)
    expected = {"config.json", "manifest.json", "generations.jsonl", "best_genome.npz", "checkpoints"}
    assert {entry.name for entry in run.path.iterdir() if not entry.name.startswith(".")} == expected

    before = snapshot(tmp_path)
    assert_refused(evolve(), "--out", str(tmp_path / "run"), "not empty", "--resume")
    assert_refused(evolve("--resume", "--sigma", 0.3), "begun with sigma 0.15, not 0.3")
    assert_refused(evolve("--resume", "--seed", 1), "begun with --seed 0, not 1")
    assert_refused(evolve("--resume", rung="L0.2"), "begun on L1.0, not L0.2")
    assert_refused(evolve(out="run/config.json"), "--out", "config.json is no folder")
    assert_refused(evolve(out="run/config.json/deeper"), "--out", "config.json is no folder")
    assert snapshot(tmp_path) == before

    bare = cli("evolve", "L1.0", "--out", run.path, "--resume", "--generations", 8)
    assert bare.code == 0, bare.err
    assert run.read_config() == (tiny.with_settings({"generations": 8}), 0)
    other = cli("evolve", "L1.0", "--out", run.path, "--resume", "--sigma", 0.3)
    assert_refused(other, "begun with sigma 0.15, not 0.3")
    again = evolve("--resume", "--generations", 8)
    assert again.code == 0
    assert "8 generations" in again.out
    assert len(run.read_generations()) == 8

    beside = ("--baseline", "greedy", "--baseline", "stay")
    judged = cli("evaluate", run.path, "--episodes", 8, "--seed", 3, *beside, "--json")
    assert (judged.code, judged.err, judged.out.count("\n")) == (0, "", 1)
    assert list(judged.json) == ["runs", "aggregate", "baselines"]
    (entry,) = judged.json["runs"]
    assert set(entry) == {"run", "rung", "metrics", "normalized"}
    assert all(set(value) == {"mean", "se"} for value in entry["metrics"].values())
    assert {"metrics", "n"} <= set(judged.json["aggregate"])
    assert set(judged.json["aggregate"]["metrics"]["fitness"]) == {"mean", "ci95"}
    assert list(judged.json["baselines"]) == ["greedy", "stay"]
    table = cli("evaluate", run.path, "--episodes", 8, "--seed", 3, "--baseline", "greedy")
    assert f"{entry['metrics']['fitness']['mean']:.2f}" in table.out

    settings = [f"{name}={value}" for name, value in tiny.settings().items() if name in ("width", "energy_gain")]
    world = [part for setting in ["energy_decay=0.08333333333333333", *settings] for part in ("--set", setting)]
    baseline = cli("baseline", "L1.0", *FEW, *world, "--seed", 3, "--policy", "greedy", "--json").json
    assert baseline["metrics"] == judged.json["baselines"]["greedy"]["metrics"], "the same seed, the same lives"


def test_evaluate_takes_other_settings_and_refuses_impossible_ones(cli, finished):
    as_trained = cli("evaluate", finished.path, "--episodes", 8, "--json").json
    bonus = cli("evaluate", finished.path, "--episodes", 8, "--set", "success_bonus=1050", "--json").json
    success = as_trained["runs"][0]["metrics"]["success"]["mean"]
    difference = bonus["runs"][0]["metrics"]["fitness"]["mean"] - as_trained["runs"][0]["metrics"]["fitness"]["mean"]
    assert success > 0
    assert difference == pytest.approx(1000 * success)
    assert_refused(cli("evaluate", finished.path, "--set", "n_neurons=8"), "w_in has shape")
    assert_refused(cli("evaluate", finished.path, "--set", "width=0"), "width must be 1 to 4096, got 0")


def test_several_seeds_in_one_process_are_the_runs_of_each(evolve, cli, finished, outcome, tmp_path):
    result = evolve("--seeds", "0:2", "--json", out="many")
    assert [(told["seed"], told["run"]) for told in result.json["runs"]] == [
        (seed, str(tmp_path / "many" / f"seed{seed}")) for seed in (0, 1)
    ]
    assert outcome(RunDirectory(tmp_path / "many" / "seed0")) == outcome(finished)
    judged = cli("evaluate", tmp_path / "many", "--episodes", 4, "--json").json
    assert [entry["run"][-5:] for entry in judged["runs"]] == ["seed0", "seed1"]
    low, high = judged["aggregate"]["metrics"]["fitness"]["ci95"]
    assert low < judged["aggregate"]["metrics"]["fitness"]["mean"] < high
    assert_refused(evolve("--seeds", "1:3", out="many"), "many/seed1 is not empty")
    assert not (tmp_path / "many" / "seed2").exists()
    more = evolve("--seeds", "0:3", "--resume", out="many")
    assert more.code == 0
    assert (tmp_path / "many" / "seed2" / "best_genome.npz").exists()


@pytest.mark.parametrize("generations", [1, 6])
def test_ctrl_c_stops_a_series_of_seeds(evolve, monkeypatch, tmp_path, generations):
    """Also in the last chunk of a run, which comes to its end."""
    from koki2_train.cli import output

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

    monkeypatch.setattr("koki2_train.cli.evolve.progress", Interrupting)
    assert output.progress is not Interrupting
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
    assert RunDirectory(path).read_config()[1] == 3


def test_a_full_disk_is_a_failure_in_one_line(evolve, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    result = evolve()
    assert result.code == 1
    assert result.err.endswith("No space left on device\n")
    assert result.err.count("\n") == 1


def test_an_interrupt_anywhere_is_130(cli, monkeypatch):
    monkeypatch.setattr("koki2_train.assessment.HeldOut.policy", lambda *_: signal.raise_signal(signal.SIGINT))
    result = cli("baseline", "L0.0")
    assert result.code == 130
    assert result.err.strip() == "koki2-train: interrupted"


def test_a_device_that_gives_up_is_a_failure_in_one_line(cli, monkeypatch):
    import jax

    def give_up(*_):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory\nallocating much")

    monkeypatch.setattr("koki2_train.assessment.HeldOut.policy", give_up)
    result = cli("baseline", "L0.0")
    assert (result.code, result.out) == (1, "")
    assert result.err == "koki2-train: the device gave up: RESOURCE_EXHAUSTED: Out of memory allocating much\n"


@pytest.mark.parametrize(
    ("name", "data", "resumes", "evaluates"),
    [
        ("best_genome.npz", b"", True, False),
        ("best_genome.npz", None, True, False),
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
    judged = cli("evaluate", tmp_path / "run", "--episodes", 8, "--json")
    assert judged.code == (0 if evaluates else 2)
    if not evaluates:
        assert_refused(judged, damaged.name)
    again = evolve("--resume", "--json")
    assert again.code == (0 if resumes else 2), again.err
    if resumes:
        assert outcome(RunDirectory(tmp_path / "run")) == expected
    else:
        assert_refused(again, "run" if data is None else damaged.name)
