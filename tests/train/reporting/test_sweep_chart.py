"""Pictures of sweeps: one knob as a curve or as points, two as a map, more as several maps."""

import itertools

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
