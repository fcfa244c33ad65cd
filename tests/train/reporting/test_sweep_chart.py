"""Pictures of sweeps: one knob as a curve or as points, two as a map, more as several maps."""

import itertools

import numpy as np
import pytest

from koki2_train.reporting.sweep_chart import sweep_chart


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


def drawn(grid, seeds=(0, 1)):
    return sweep_chart(result_of(grid, seeds))


@pytest.mark.parametrize("seeds", [(0, 1, 2), (5,)])
def test_one_knob_of_numbers_stands_on_an_axis_of_numbers(seeds):
    (ax,) = drawn({"combined": ["0", "0.25", "1"]}, seeds).axes
    assert ax.get_xticks().tolist() == [0.0, 0.25, 1.0]
    low, high = ax.get_ylim()
    assert low < 90.0 < 130.0 < high
    means = next(line for line in ax.lines if line.get_xdata().tolist() == [0.0, 0.25, 1.0])
    assert means.get_ydata().tolist() == [100.0, 101.0, 102.0]


def test_one_knob_of_words_is_not_joined():
    (ax,) = drawn({"nursing": ["rich_nursery", "risk_gating"]}).axes
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["rich\nnursery", "risk\ngating"]
    lines = [line for line in ax.lines if line.get_linestyle() == "-"]  # intervals, each at its place
    assert sorted(set(map(tuple, (line.get_xdata() for line in lines)))) == [(0.0, 0.0), (1.0, 1.0)]


def test_seeds_that_coincide_stand_beside_each_other():
    result = result_of({"combined": ["0", "1"]}, (0, 1, 2, 3))
    result["cells"][0]["fitness_by_seed"] = {"0": 100.0, "1": 100.0, "2": 110.0, "3": 100.01}
    (ax,) = sweep_chart(result).axes
    seeds = next(line for line in ax.lines if line.get_label() == "seeds")
    order = np.argsort(seeds.get_xdata())
    assert seeds.get_ydata()[order].tolist() == [100.0, 110.0, 100.0, 100.01]
    assert np.unique(seeds.get_xdata()).size == 3
    assert (seeds.get_xdata() < 0.6).all(), "before the next cell"


def test_many_seeds_that_coincide_stay_in_their_column():
    result = result_of({"combined": ["0", "1"]}, range(200))
    result["cells"][0]["fitness_by_seed"] = dict.fromkeys(map(str, range(200)), 100.0)
    (ax,) = sweep_chart(result).axes
    seeds = next(line for line in ax.lines if line.get_label() == "seeds").get_xdata()
    assert np.unique(seeds).size == 200
    assert 0 < seeds.min() < seeds.max() <= 0.5


def test_wide_intervals_are_cut_off():
    result = result_of({"combined": ["0", "1"]}, (0, 1))
    result["cells"][0]["metrics"]["fitness"]["ci95"] = [-1e4, 1e4]
    low, high = sweep_chart(result).axes[0].get_ylim()
    assert -1e3 < low < 90
    assert 130 < high < 1e3


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("combined", "strength of combined nursing (0 is none, 1 is full nursing)"),
        ("sensory_gating", "strength of sensory gating (0 is none, 1 is full nursing)"),
        ("energy_init", "energy init: energy at birth"),
        ("own_$knob", "own $knob"),
    ],
)
def test_axes_say_what_varies_in_words(name, title):
    (ax,) = drawn({name: ["0", "1"]}).axes
    assert ax.get_xlabel() == title
    assert ax.get_ylabel() == "held-out fitness (mean over lives)"
    assert not ax.xaxis.label.get_parse_math()


def test_units_are_named_and_numbers_too_near_are_not_to_scale():
    (ax,) = drawn({"sense_radius": ["0", "0.1", "100"]}).axes
    assert ax.get_xticks().tolist() == [0.0, 1.0, 2.0]
    assert ax.get_xlabel().replace("\n", " ").startswith("sense radius (cells): distance up to which")
    assert ax.get_xlabel().endswith("(not to scale)")


def test_two_knobs_are_a_map_with_numbers():
    (ax,) = drawn({"combined": ["0", "1"], "obs_noise": ["0", "0.1", "0.2"]}).axes
    texts = {tuple(map(int, text.get_position())): text.get_text() for text in ax.texts}
    assert texts[0, 0] == "100.0\n± 3.0"
    assert texts[0, 2] == "102.0\n± 3.0"  # the last name varies fastest, and goes up
    assert texts[1, 0] == "103.0\n± 3.0"


def test_more_knobs_are_a_map_for_each_of_their_values():
    figure = drawn({"a": ["0", "1"], "b": ["0", "1"], "c_d": ["0", "1"], "e": ["x"]}, seeds=(0,))
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["c d 0, e x", "c d 1, e x"]
    assert {text.get_text() for text in figure.axes[1].texts} == {"101.0", "103.0", "105.0", "107.0"}
