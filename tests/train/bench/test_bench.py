"""The benchmark: every section measures what it says, in turns, and says what was measured. No test reads a clock."""

import json
import statistics
from pathlib import Path

import jax
import pytest

from koki2_train.bench import SECTIONS, BenchError, Plan, in_fresh_process, measure
from koki2_train.bench.machine import machine_and_versions
from koki2_train.bench.timing import Case, compile_and_time, spread
from koki2_train.cli.commands.bench import _COLUMNS

QUICK = ("--quick", "--devices", 1)
RATES = {"msteps_median", "msteps_min", "msteps_max"}


def silent(text):
    pass


def assert_measured(row, names):
    assert names <= set(row), row
    assert all(row[name] > 0 for name in names), row


@pytest.fixture
def known_facts(monkeypatch):
    """The machine is not asked, but known."""
    facts = {"device": "abacus", "devices": 2, "machine": "wood", "cpu_cores": 3, "compilation_cache": True}
    facts["versions"] = {"python": "3.0"}
    monkeypatch.setattr("koki2_train.cli.commands.bench.in_fresh_process", lambda *_, **__: facts)


# Timing


def test_cases_take_turns_and_their_first_call_is_not_timed(monkeypatch):
    """A clock that only compiling (5 s) and calling (2 s, the first time 100 s) move forward."""
    now, calls = [0.0], []
    monkeypatch.setattr("time.perf_counter", lambda: now[0])

    def case(name):
        def call():
            now[0] += 2.0 if name in calls else 100.0
            calls.append(name)

        def compiling():
            now[0] += 5.0
            return call

        return Case({"case": name}, 3_000_000, compiling)

    said = []
    rows = compile_and_time([case("a"), case("b")], 2, said.append)
    assert calls == ["a", "b"] * 3
    rates = {"msteps_median": 1.5, "msteps_min": 1.5, "msteps_max": 1.5}
    assert rows == [{"case": name, "steps": 3_000_000, "compile_s": 5.0, **rates} for name in ("a", "b")]
    assert [line.split(":")[0] for line in said] == ["compiling 1/2", "compiling 2/2", "round 1/2", "round 2/2"]


def test_a_spread_is_median_least_and_greatest():
    assert spread("x", [3.0, 1.0, 8.0]) == {"x_median": 3.0, "x_min": 1.0, "x_max": 8.0}


# Processes of their own


def test_a_function_is_called_in_another_process():
    assert in_fresh_process(statistics.mean, data=[1, 2]) == 1.5


def test_a_value_error_comes_back_as_it_was():
    with pytest.raises(ValueError, match="mean requires at least one data point"):
        in_fresh_process(statistics.mean, data=[])


def test_a_process_that_fails_says_its_last_word():
    with pytest.raises(BenchError, match=r"statistics:mean failed in its process: TypeError: .*'speed'"):
        in_fresh_process(statistics.mean, speed=1)


def test_the_facts_name_machine_and_versions():
    facts = machine_and_versions(1)
    assert facts["devices"] == 1
    assert facts["device"]
    assert facts["cpu_cores"] > 0
    assert set(facts["versions"]) == {"python", "jax", "jaxlib", "gymnax", "evosax", "koki2-envs", "koki2-train"}
    assert json.loads(json.dumps(facts)) == facts
    with pytest.raises(ValueError, match="got 10000"):
        machine_and_versions(10_000)


@pytest.mark.parametrize("kept", [True, False])
def test_the_facts_say_whether_compiled_programs_are_kept(kept):
    jax.config.update("jax_enable_compilation_cache", kept)
    try:
        assert machine_and_versions(1)["compilation_cache"] is kept
    finally:
        jax.config.update("jax_enable_compilation_cache", True)


def test_a_run_that_does_not_begin_is_reported():
    with pytest.raises(BenchError, match=r"koki2-train evolve ended early: .*pop_size must be even.*, got 3"):
        measure("cold_start", Plan(genomes=3), silent)


# The command


def test_its_page_tells_of_every_section():
    page = (Path(__file__).parents[3] / "docs" / "benchmarks.md").read_text()
    assert [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")] == list(SECTIONS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["wrlds"], ["unknown section 'wrlds'; did you mean 'worlds'?", *SECTIONS]),
        (["worlds", "everything"], ["unknown section 'everything'; there are"]),
        (["--rounds", "0"], ["--rounds", "0 is not in the range"]),
        (["--worlds", "-1"], ["--worlds", "-1"]),
        (["--devices", "0"], ["--devices", "0"]),
        (["--profile", "occupied"], ["--profile: occupied is not empty"]),
        (["--profile", "occupied/note"], ["--profile: occupied/note is not a folder"]),
        (["--profile", "occupied/note/deeper"], ["--profile: occupied/note is not a folder"]),
    ],
)
def test_invalid_input_is_rejected_in_one_line(cli, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "occupied").mkdir()
    (tmp_path / "occupied" / "note").write_text("mine")
    result = cli("bench", *arguments)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1), result.err
    assert all(word in result.err for word in words), result.err
    assert [path.name for path in tmp_path.rglob("*")] == ["occupied", "note"], "nothing is written"


def test_a_process_that_fails_fails_the_command_in_one_line(cli, known_facts, monkeypatch):
    def fail(*_):
        raise BenchError("it broke")

    monkeypatch.setattr("koki2_train.cli.commands.bench.measure", fail)
    result = cli("bench", "cold_start", *QUICK, "--json")
    assert (result.code, result.out, result.err) == (1, "", "koki2-train: it broke\n")


def test_more_devices_than_there_are_are_rejected(cli, monkeypatch):
    def reject(*_, **__):
        raise ValueError("devices must be 1 to 1 (what JAX sees here), got 2")

    monkeypatch.setattr("koki2_train.cli.commands.bench.in_fresh_process", reject)
    result = cli("bench", "--devices", 2)
    assert (result.code, result.out) == (2, "")
    assert result.err == "koki2-train: devices must be 1 to 1 (what JAX sees here), got 2\n"


def test_what_was_measured_as_one_json_object(cli, known_facts, monkeypatch):
    rows = [{"case": "a", "msteps_median": 1.0, "unknown": None}]
    monkeypatch.setattr("koki2_train.cli.commands.bench.measure", lambda name, plan, report: report(name) or rows)
    result = cli("bench", "worlds", *QUICK, "--worlds", 2, "--rounds", 2, "--json")
    assert (result.code, result.err, result.out.count("\n")) == (0, "", 1)
    data = result.json
    assert (data["quick"], data["rounds"], data["device"], data["trace"]) == (True, 2, "abacus", None)
    assert data["sections"] == {"worlds": rows}


def test_the_tables_say_where_and_how_much(cli, known_facts, monkeypatch):
    row = {"case": "1 life", "msteps_median": 4.0, "ns_per_step_median": 250.0, "ns_per_step_min": 200.0}
    peaks = {"imported_bytes": 2**20, "compiled_bytes": 2**21, "generation_bytes": 2**22, "device_bytes": None}
    rows = {"lives": [{**row, "ns_per_step_max": 500.0}], "memory": [{"case": "many", **peaks}]}
    monkeypatch.setattr("koki2_train.cli.commands.bench.measure", lambda name, plan, report: report(name) or rows[name])
    result = cli("bench", "lives", "memory", *QUICK, "--rounds", 7)
    assert (result.code, result.err) == (0, "memory\nlives\n")
    lines = [line.split() for line in result.out.splitlines()]
    assert lines[0] == ["2", "×", "abacus", "(wood),", "3", "CPU", "cores;", "python", "3.0"]
    assert "rounds: 7; compilation cache on: compile times are too short" in result.out
    assert "numbers mean nothing" in result.out
    assert ["1", "life", "4.00", "250.0", "200.0", "500.0"] in lines
    assert ["many", "1", "2", "4", "–"] in lines
    assert all(word in result.out for name in rows for heading, *_ in _COLUMNS[name] for word in heading.split())


def test_for_a_trace_nothing_else_is_done(cli, known_facts, monkeypatch, tmp_path):
    monkeypatch.setattr("koki2_train.bench.trace.write_trace", lambda plan, folder: folder / f"{plan.genomes}.gz")
    result = cli("bench", *QUICK, "--profile", tmp_path / "new" / "trace", "--json")
    assert (result.code, result.err) == (0, "")
    assert (result.json["sections"], result.json["trace"]) == ({}, str(tmp_path / "new" / "trace" / "4.gz"))


# All sections, measured once


@pytest.fixture(scope="module")
def everything(python, tmp_path_factory):
    """What all sections and a trace say, tiny, from a process of their own."""
    trace = tmp_path_factory.mktemp("bench") / "trace"
    process = python("-m", "koki2_train", "bench", *QUICK, *SECTIONS, "--profile", trace, "--json")
    out, err = process.communicate(timeout=600)
    assert (process.returncode, err) == (0, "")
    data = json.loads(out)
    assert [data["trace"]] == [str(path) for path in trace.rglob("*.trace.json.gz")]
    assert Path(data["trace"]).stat().st_size > 0
    return data["sections"]


@pytest.mark.slow
def test_all_sections_fill_their_columns(everything):
    assert list(everything) == list(SECTIONS) == list(_COLUMNS)
    for name, rows in everything.items():
        for row in rows:
            assert row["case"]
            assert {key for _, key, *_ in _COLUMNS[name]} <= set(row)
    assert [row["cache"] for row in everything["cold_start"]] == ["empty", "warm"]
    assert [row["mvt"] for row in everything["training"]] == [False, False, False, True]
    for row in everything["memory"]:
        assert 0 < row["imported_bytes"] < row["compiled_bytes"] <= row["generation_bytes"]


@pytest.mark.slow
def test_lives_are_told_as_time_per_step(everything):
    one, two = everything["lives"]
    assert (one["case"], one["steps"]) == ("L0.2, 32 neurons, 4 genomes × 1 life", 32)
    assert (two["case"], two["steps"]) == ("L0.2, 32 neurons, 4 genomes × 2 lives", 64)
    for row in (one, two):
        assert_measured(row, RATES)
        assert row["ns_per_step_median"] == pytest.approx(1e3 / row["msteps_median"])
        assert row["ns_per_step_min"] <= row["ns_per_step_median"] <= row["ns_per_step_max"]


@pytest.mark.slow
def test_brains_of_any_size_have_the_same_work(everything):
    small, large = everything["brains"]
    assert (small["neurons"], small["genomes"], large["neurons"], large["genomes"]) == (16, 8, 32, 4)
    assert small["neurons"] * small["steps"] == large["neurons"] * large["steps"]
    for row in (small, large):
        assert_measured(row, RATES | {"neuron_updates_median"})


@pytest.mark.slow
def test_what_a_step_asks_for_is_counted_and_held_against_the_peaks(everything):
    *peaks, few, many = everything["roofline"]
    assert [row["case"].split()[0] for row in peaks] == ["FLOP/s", "FLOP/s", "bytes/s", "bytes/s"]
    for row in peaks:
        assert_measured(row, {"giga_median", "giga_min", "giga_max"})
    by_hand = 2 * (36 * 32 + 32 * 8)  # the brain's products
    for row in (few, many):
        assert by_hand < row["flops"] < 2 * by_hand
        assert row["flops"] / row["product_ns"] == pytest.approx(peaks[1]["giga_median"])
        assert row["bytes"] / row["traffic_ns"] == pytest.approx(peaks[2]["giga_median"])
    assert many["flops"] == pytest.approx(few["flops"], rel=0.01)
    assert many["bytes"] < few["bytes"], "more lives share a genome's weights"


@pytest.mark.slow
def test_nothing_that_should_not_is_compiled_anew(everything):
    first, *others = everything["compiles"]
    assert first["case"] == "first run"
    assert first["compilations"] > 0
    assert {row["case"]: row["compilations"] for row in others} == dict.fromkeys(
        ("another seed", "another knob value", "another schedule", "more generations"), 0
    )


@pytest.mark.slow
def test_worlds_stand_beside_those_of_gymnax(everything):
    rows = everything["worlds"]
    names = ["FourRooms-misc (Gymnax)", "CartPole-v1 (Gymnax)", "L1.1 with obs_noise 0.1"]
    assert [row["case"] for row in rows] == [f"{name}, {method}" for name in names for method in ("step", "step_env")]
    assert rows[0]["beside_fourrooms"] == 1.0
    for row in rows:
        assert_measured(row, RATES | {"compile_s", "beside_fourrooms"})
        assert (row["worlds"], row["steps"]) == (4, 8)
        assert row["beside_fourrooms"] == row["msteps_median"] / rows[0]["msteps_median"]
