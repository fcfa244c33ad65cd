"""Collectives of the compiled program: devices exchange what docs/scaling.md says."""

import json
import math
import re
from pathlib import Path

import pytest

from koki2_train.experiment import Experiment
from koki2_train.rollout.problem import Problem

SETTINGS = {"pop_size": 10, "episodes": 8, "steps": 16, "n_neurons": 8, "k_edges": 2, "mvt": True, "mvt_steps": 8,
            "mvt_min_alive_steps": 8, "validation_top": 3, "validation_episodes": 32}  # fmt: skip
DEVICES = 4

DRIVER = """
import sys, json
from koki2_train.runtime.jax_setup import set_up
set_up(int(sys.argv[1]))
import jax.numpy as jnp
from koki2_train.experiment import Experiment, Trial
from koki2_train.evolution import Search, compiled_init, compiled_steps
search = Search.of(Trial(Experiment.build("L0.2", json.loads(sys.argv[2])), 0))
print(compiled_steps.lower(search, compiled_init(search), jnp.int32(1), 3).compile().as_text())
"""

COLLECTIVES = r"= (\S+) (all-gather|all-reduce|all-to-all|reduce-scatter|collective-\w+)(?:-start)?\("


def columns(settings):
    """Numbers that a genome's evaluation sends: in training, and in a validation."""
    return 4 * settings["episodes"] + 3, 2 * settings["validation_episodes"]


@pytest.mark.slow
def test_the_compiled_program_exchanges_what_the_page_says_and_nothing_else(python):
    process = python("-c", DRIVER, DEVICES, json.dumps(SETTINGS))
    text, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    found = sorted(re.findall(COLLECTIVES, text))
    padded = math.ceil(SETTINGS["pop_size"] / DEVICES) * DEVICES
    candidates = math.ceil((1 + SETTINGS["validation_top"]) / DEVICES) * DEVICES
    training, validation = columns(SETTINGS)
    expected = [f"f32[{padded},{training}]{{1,0}}", f"f32[{candidates},{validation}]{{1,0}}"]
    assert found == sorted((shape, "all-gather") for shape in expected)


def rows_of(heading):
    """The numbers of the table of docs/scaling.md under a heading."""
    text = (Path(__file__).parents[3] / "docs" / "scaling.md").read_text().split(heading)[1]
    table = re.search(r"(?:^\|.*\n)+", text, re.M).group()
    lines = [[cell.strip().replace(",", "") for cell in line.strip(" |").split("|")] for line in table.splitlines()]
    return [[float(cell) for cell in line] for line in lines[2:]]


def test_the_table_of_sizes_is_right():
    rows = rows_of("## What grows with what")
    assert {row[0] for row in rows} == {32, 1024}
    for neurons, genome, population, megabytes, exchanged in rows:
        experiment = Experiment.build("L0.2", {"n_neurons": int(neurons)})
        assert genome == Problem.of(experiment, 1).genome.size
        assert megabytes == pytest.approx(population * genome * 4 / 1e6, rel=0.02)
        training, _ = columns({"episodes": 8, "validation_episodes": 256})
        assert exchanged == pytest.approx(population * training * 4 / 1e6, rel=0.02)


def test_the_table_of_lives_is_right():
    for devices, training, validation, times in rows_of("### Few genomes on many devices"):
        lives = math.ceil(128 / devices) * 8
        validated = math.ceil(2 / devices) * 256 / 10
        assert (training, validation) == (lives, pytest.approx(validated))
        assert times == pytest.approx((128 * 8 + 2 * 256 / 10) / (lives + validated), abs=0.06)
