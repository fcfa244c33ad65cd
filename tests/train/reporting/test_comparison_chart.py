"""Pictures of comparisons: every seed of every arm and control, curves within life, and no text over another."""

import itertools

import numpy as np
import pytest
from matplotlib.text import Text

from koki2_train.reporting.comparison_chart import comparison_chart, write_comparison_charts


def entry(name, values, **more):
    values = np.asarray(values, np.float64)
    return {
        "arm": name,
        "by_seed": {str(seed): {"fitness": value} for seed, value in enumerate(values)},
        "primary": {"mean": values.mean(), "ci95": [values.mean() - 1, values.mean() + 1]},
        "curve": {"mean": [0.1, 0.2, 0.3], "ci95": [[0.0, 0.2], [0.1, 0.3], [0.2, 0.4]]},
        **more,
    }


def result_of(arms, controls=("eta_zero", "shuffled"), policies=("random", "oracle")):
    """What ``comparison.json`` might hold; every arm but the first learns."""
    seeds = np.arange(6.0)
    facts = {"title": "A title", "question": "A question?", "rung": "L5.0", "primary": "fitness", "baseline": arms[0]}
    return {
        **facts,
        "seeds": list(range(6)),
        "episodes": 8,
        "test_world": "adult",
        "arms": [entry(name, 10 * index + seeds) for index, name in enumerate(arms)],
        "controls": [
            entry(name, 5 + seeds, control=control) for name, control in itertools.product(arms[1:], controls)
        ],
        "policies": {name: {"fitness": {"mean": 30.0 + index}} for index, name in enumerate(policies)},
        "tests": {},
    }


def seeds_drawn(ax, marker):
    return [line.get_ydata().tolist() for line in ax.lines if line.get_marker() == marker]


def test_every_seed_of_arms_and_controls_is_drawn():
    seeds, curves = comparison_chart(result_of(["fixed", "surprise"])).axes
    assert seeds_drawn(seeds, "o") == [[0, 1, 2, 3, 4, 5], [10, 11, 12, 13, 14, 15]]
    assert seeds_drawn(seeds, "v") == seeds_drawn(seeds, "s") == [[5, 6, 7, 8, 9, 10]]
    assert seeds_drawn(seeds, "D") == [[2.5], [12.5]]
    assert [tick.get_text() for tick in seeds.get_xticklabels()] == ["fixed", "surprise"]
    low, high = seeds.get_ylim()
    assert low < 0 < 31 < high
    assert [line.get_ydata().tolist() for line in curves.lines] == [[0.1, 0.2, 0.3]] * 2
    assert [text.get_text() for text in curves.get_legend().get_texts()] == ["fixed", "surprise"]


def test_a_seed_stands_at_the_same_place_in_every_arm():
    seeds, _ = comparison_chart(result_of(["fixed", "surprise", "event"], controls=())).axes
    places = [line.get_xdata() for line in seeds.lines if line.get_marker() == "o"]
    assert np.diff(places[0]) == pytest.approx(np.diff(places[2]))
    assert (np.diff(places[0]) > 0).all()


@pytest.mark.parametrize("arms", [["a", "b"], [f"an_arm_with_a_long_name_{index}" for index in range(9)]])
def test_no_text_runs_over_another_or_out_of_the_picture(arms):
    controls = ("eta_zero", "shuffled", "other_life", "sign_turned", "memory_reset")
    figure = comparison_chart(result_of(arms, controls, ("random", "greedy", "memory", "oracle")))
    figure.draw_without_rendering()
    seeds, curves = figure.axes
    boxes = [ax.get_legend().get_window_extent() for ax in (seeds, curves)]
    boxes += [Text.get_window_extent(text) for text in seeds.texts if text.get_text()]  # without its line
    boxes += [text.get_window_extent() for text in figure.texts if text.get_text()]
    boxes += [curves.title.get_window_extent(), curves.yaxis.label.get_window_extent()]
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    boxes += [tick.get_window_extent() for tick in seeds.get_xticklabels()]
    for box in boxes:
        assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1


def test_variant_and_tests_have_pictures_of_their_own(tmp_path):
    result = result_of(["fixed", "surprise"])
    result |= {"held_out": result_of(["fixed", "surprise"]), "tests": {"early": result_of(["fixed", "surprise"])}}
    names = [path.name for path in write_comparison_charts(result, tmp_path)]
    assert names == ["comparison.png", "comparison_held_out.png", "comparison_test_early.png"]
    assert {path.name for path in tmp_path.iterdir()} == set(names)
