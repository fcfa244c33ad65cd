"""The command line: what it prints where, and how it rejects invalid input."""

import signal

import click
import pytest

from koki2_envs import RUNGS
from koki2_train.bench import SECTIONS
from koki2_train.cli.commands.evolve import command as evolve_command
from koki2_train.cli.main import _COMMANDS
from koki2_train.cli.options import parse_seeds
from koki2_train.cli.output import table_metrics
from koki2_train.cli.setting_command import GROUPS
from koki2_train.experiment.settings import ALIASES, setting_flags
from koki2_train.rollout.metrics import METRICS

SHORT = {alias: name for name, alias in ALIASES.items()}
FEW = ("--episodes", 8, "--steps", 12)


def assert_rejected(result, *words):
    assert result.code == 2
    assert result.out == ""
    assert result.err.count("\n") == 1, result.err
    assert result.err.startswith("koki2-train: ")
    assert "Traceback" not in result.err
    for word in words:
        assert word in result.err


# Help


def test_help_imports_neither_jax_nor_gymnax(python):
    code = (
        "import sys\n"
        "from koki2_train.cli.main import main\n"
        "for name in ('evolve', 'baseline', 'bench'):\n"
        "    assert main([name, '--help']) == 0\n"
        "assert main(['--help']) == main(['ladder']) == 0\n"
        "heavy = {'jax', 'jaxlib', 'gymnax', 'evosax', 'optax', 'flax', 'scipy', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    out, err = (process := python("-c", code)).communicate(timeout=60)
    assert process.returncode == 0, err
    assert all(name in out for name in [*_COMMANDS, *SECTIONS])


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
    text = cli("evolve", "--help-all").out
    flags = {parameter.name: parameter for parameter in evolve_command.params}
    assert flags["nursings"].opts == ["--nursing"]
    assert all(flags[part].opts == [f"--{part}"] for part in ("brain", "genome", "strategy"))
    for name in setting_flags():
        flag = f"--{SHORT.get(name, name).replace('_', '-')}"
        assert flag in flags[name].opts, name
        headings = [f"\n{group.capitalize()}:\n" for group in GROUPS]
        start = text.index(f"\n{flags[name].group.capitalize()}:\n")
        end = min((text.index(h) for h in headings if h in text and text.index(h) > start), default=len(text))
        assert f" {flag} " in text[start:end] or f" {flag}\n" in text[start:end], f"{flag} under {flags[name].group}"


LONGEST_HELP = 64  # lines


def test_the_help_of_a_rung_is_a_page_with_its_own_knobs_and_their_values(cli):
    text = cli("evolve", "L0.2", "--preset", "quick", "--grad-gain", "0:1@0:0.5", "--mvt", "--help").out
    assert text.count("\n") <= LONGEST_HELP
    assert max(map(len, text.splitlines())) <= 80
    words = " ".join(text.split())
    for shown in (
        "--pop-size 64", "--generations 50", "--bad-source-integrity-loss 0.25", "--energy-decay 0.0078125",
        "--grad-gain 0:1@0:0.5", "--[no-]mvt on", "--brain spiking", "--resume", "--help-all",
    ):  # fmt: skip
        assert f" {shown} " in f"{words} ", shown
    assert "--num-zones" not in text
    assert "--coordinator" not in text
    explained = cli("evolve", "L0.2", "--pop-size", 64, "--help-all").out
    assert "genomes per generation" in explained
    assert "[64]" in explained
    assert "--coordinator" in explained
    assert "--num-zones" not in explained


def test_the_help_of_other_commands(cli):
    assert cli("evolve", "--help").out.count("\n") <= LONGEST_HELP
    assert "evolve RUNG --help" in " ".join(cli("evolve", "--help").out.split())
    assert "--num-zones 5" in cli("baseline", "L3.0", "--help").out
    assert "--smell-law nearness" in cli("baseline", "L5.0", "--help").out
    assert "--pop-size" not in cli("baseline", "L3.0", "--help").out
    assert "--grad-gain 1" in cli("sweep", "L0.2", "--help").out
    assert "--sigma 0.15" in cli("factorial", "L0.2", "-h").out
    assert_rejected(cli("evolve", "L9.9", "--help"), "unknown rung 'L9.9'")


# Errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["basline"], ["no such command 'basline'; did you mean 'baseline'?"]),
        (["baseline"], ["RUNG"]),
        (["baseline", "L9.9"], ["unknown rung 'L9.9'", "L0.0", "L1.1"]),
        (
            ["baseline", "L4.2", "--switch-phi-low", "0.9"],
            ["switch_phi_low must be at most switch_phi_high = 0.75, got 0.9"],
        ),
        (["baseline", "L0.0", "--energie-gain", "1"], ["no such option '--energie-gain'", "mean '--energy-gain'?"]),
        (["baseline", "L0.0", "--policy", "clever"], ["--policy", "'clever'", "'greedy'"]),
        (
            ["baseline", "L0.0", "--policy", "memory"],
            ["unknown policy 'memory'; reference policies of L0.0 are random"],
        ),
        (["baseline", "L0.0", "--smell-law", "near"], ["smell_law must be displacement or nearness, got 'near'"]),
        (["baseline", "L0.0", "--set", "smell_law=2"], ["smell_law must be displacement or nearness, got 2"]),
        (["baseline", "L0.0", "--episodes", "0"], ["--episodes", "0 is not in the range 1<=x"]),
        (["baseline", "L0.0", "--seed", "-1"], ["--seed", "-1"]),
        (["baseline", "L0.0", "--seed", str(2**32)], ["--seed", "4294967296"]),
        (["baseline", "L0.0", "--grad-gain", "nan"], ["--grad-gain", "nan", "must be finite"]),
        (["baseline", "L0.0", "--grad-gain", "inf"], ["--grad-gain", "inf", "must be finite"]),
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
        (["evolve", "L0.2", "--brain", "spikin"], ["--brain", "unknown brain 'spikin'; did you mean 'spiking'?"]),
        (
            ["evolve", "L0.2", "--genome", "nowhere:Flat"],
            ["--genome", "'nowhere:Flat' cannot be imported", "ModuleNotFoundError"],
        ),
        (
            ["evolve", "L0.2", "--strategy=json:JSONDecoder"],
            ["--strategy", "'json:JSONDecoder' must have a settings_class"],
        ),
        (["evolve", "json:decoder"], ["json:decoder"]),
        (["evolve", "L0.2", "--set", "brain=spikin"], ["--set", "did you mean 'spiking'?"]),
        (["evolve", "L0.2", "--out", ""], ["--out", "must not be empty"]),
        (["verify", "--only", "foragin"], ["--only", "'foragin'", "did you mean 'foraging'?"]),
        (["evaluate", ""], ["RUNS", "must not be empty"]),
        (["evaluate"], ["RUNS"]),
        (["evaluate", "nowhere"], ["nowhere is not a run directory"]),
        (["evaluate", "nowhere", "--baseline", "clever"], ["--baseline", "'clever'"]),
        (["evaluate", "nowhere", "--set", "eta=1"], ["unknown setting 'eta'"]),
    ],
)
def test_invalid_input_is_rejected_in_one_line(cli, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert_rejected(cli(*arguments), *words)
    assert list(tmp_path.iterdir()) == [], "nothing is written"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("width = [1, 2]", ["width", "[1, 2]"]),
        ("pop_size = [2, 4]", ["pop_size", "[2, 4]"]),
        ("width = 2.5", ["width must be a whole number, got 2.5"]),
        ("energy_gain = nan", ["energy_gain must be finite, got nan"]),
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
def test_invalid_config_files_are_rejected_by_name(cli, tmp_path, text, words):
    (tmp_path / "c.toml").write_bytes(text.encode(errors="surrogateescape"))
    assert_rejected(cli("evolve", "L0.2", "--config", tmp_path / "c.toml", "--out", tmp_path / "run"), *words)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("text", ["0:5", "3:4", "0,3,7", "4294967295"])
def test_seeds_that_are_read(text):
    seeds = parse_seeds(None, None, text)
    assert seeds == {"0:5": (0, 1, 2, 3, 4), "3:4": (3,), "0,3,7": (0, 3, 7), "4294967295": (2**32 - 1,)}[text]


@pytest.mark.parametrize(
    "text", ["", "0:0", "3:1", "1,1", "-1,2", "-2:2", "a", "0:b", "0:5:2", "1.5", ",", "0:99999999999", "4294967296"]
)
def test_seeds_that_are_rejected(text):
    with pytest.raises(click.BadParameter) as caught:
        parse_seeds(None, None, text)
    assert repr(text) in str(caught.value)


# What is printed


def test_the_ladder(cli):
    assert all(rung in cli("ladder").out for rung in RUNGS)
    data = cli("ladder", "--json").json
    assert [row["rung"] for row in data["rungs"]] == list(RUNGS)
    (row,) = cli("ladder", "L1.1", "--json").json["rungs"]
    assert (row["rung"], row["structure"], row["knobs"]["grad_dropout_p"]) == ("L1.1", {"num_sources": 4}, 0.5)
    assert "grad_dropout_p" in cli("ladder", "L1.1").out
    assert_rejected(cli("ladder", "L7"), "unknown rung 'L7'")


def test_a_baseline_as_json(cli):
    result = cli("baseline", "L0.2", *FEW, "--seed", 3, "--policy", "oracle", "--json")
    assert result.err == ""
    assert result.out.count("\n") == 1
    data = result.json
    assert list(data) == ["rung", "policy", "episodes", "seed", "metrics", "normalized"]
    assert [data[name] for name in list(data) if name != "metrics"] == ["L0.2", "oracle", 8, 3, 1.0]
    assert set(METRICS) <= set(data["metrics"])
    assert all(set(value) == {"mean", "se"} for value in data["metrics"].values())
    together = cli("baseline", "L0.2", *FEW, "--seed", 3, "--policy", "all", "--json").json["policies"]
    assert set(together) == {"random", "stay", "straight", "greedy", "oracle"}
    assert together["oracle"] == {"metrics": data["metrics"], "normalized": 1.0}
    assert together["random"]["normalized"] == 0.0
    assert cli("baseline", "L0.2", *FEW, "--seed", 4, "--policy", "oracle", "--json").json["metrics"] != data["metrics"]


def test_numbers_that_are_not_finite_are_null_in_json(cli):
    result = cli("baseline", "L0.2", *FEW, "--survival-reward", "3e38", "--json")
    assert result.code == 0
    assert result.json["metrics"]["fitness"] == {"mean": None, "se": None}
    assert result.json["metrics"]["steps_alive"]["mean"] == 12


def test_a_baseline_as_a_table(cli):
    result = cli("baseline", "L0.2", *FEW, "--policy", "stay")
    assert (result.code, result.err) == (0, "")
    assert all(word in result.out for word in ("L0.2, 8 lives, seed 0", "stay", "random", "oracle", "fitness ± se"))


def test_an_interrupt_anywhere_is_130(cli, monkeypatch):
    monkeypatch.setattr(
        "koki2_train.evaluation.HeldOutLives.evaluate_policy", lambda *_: signal.raise_signal(signal.SIGINT)
    )
    result = cli("baseline", "L0.0")
    assert result.code == 130
    assert result.err.strip() == "koki2-train: interrupted"


def test_a_device_error_is_a_failure_in_one_line(cli, monkeypatch):
    import jax

    def give_up(*_):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory\nallocating much")

    monkeypatch.setattr("koki2_train.evaluation.HeldOutLives.evaluate_policy", give_up)
    result = cli("baseline", "L0.0")
    assert (result.code, result.out) == (1, "")
    assert result.err == "koki2-train: device error: RESOURCE_EXHAUSTED: Out of memory allocating much\n"


def test_a_table_shows_the_worlds_own_metrics_as_far_as_all_rows_have_them():
    some = dict.fromkeys(("fitness", "success", "integrity_lost"), 0.0)
    thirsty, thirsty_too = ({**some, "water_gained": 1.0, name: 2.0} for name in ("salty_arrivals", "drive"))
    assert table_metrics([thirsty])[-3:] == ["action_entropy", "water_gained", "salty_arrivals"]
    assert table_metrics([thirsty, thirsty_too])[-2:] == ["action_entropy", "water_gained"]
    assert table_metrics([thirsty, some])[-1] == "action_entropy"
