"""Learning curves: readable pictures of what generations.jsonl says, and of nothing else."""

import io
import json

import matplotlib
import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from koki2_envs.rendering import save_figure
from koki2_train.reporting.curves import Curves
from koki2_train.reporting.learning_curve import (
    learning_curve,
    learning_curves,
    write_learning_curve,
    write_learning_curves,
)
from koki2_train.runs.directory import RunError

REFERENCES = {"random": 133.9, "greedy": 154.9, "oracle": 204.0}


def generations(count=20, seed=0, viable=1.0, **changes):
    rng = np.random.default_rng(seed)
    rows = []
    for generation in range(count):
        mean = 130 + generation + rng.normal()
        row = {
            "generation": generation,
            "fitness_best": mean + 9,
            "fitness_mean": mean,
            "fitness_median": mean + 1,
            "pass_rate": viable,
            "non_finite": 0,
            "champion_score": 120.0 + 10 * (generation // 10) if generation >= 4 else None,
            "env_steps": 1000 * (generation + 1),
            "seconds": 0.5 * generation,
        }
        rows.append(row | changes)
    return rows


def picture(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Image.open(buffer).convert("RGB")


def line(figure, colour):
    """The data of the thickest line of a colour in the upper panel."""
    lines = [line for line in figure.axes[0].get_lines() if line.get_color() == colour]
    return max(lines, key=lambda line: line.get_linewidth()).get_data()


def words(figure):
    texts = [text.get_text() for ax in figure.axes for text in ax.texts] + [text.get_text() for text in figure.texts]
    return texts + [text.get_text() for ax in figure.axes if ax.get_legend() for text in ax.get_legend().get_texts()]


def test_one_run_has_readable_size_and_all_its_lines():
    figure = learning_curve(generations(), references=REFERENCES, title="L0.2, seed 0")
    assert picture(figure).size == (900, 600)
    assert {"L0.2, seed 0", "champion (validation)", "population mean (training)"} <= set(words(figure))
    assert {"random 133.9", "greedy 154.9", "oracle 204.0"} <= set(words(figure))
    assert "20 generations · 20 k env steps · 9.5 s" in words(figure)
    assert figure.axes[0].get_ylabel()
    assert figure.axes[0].get_xlabel() == "generation"


def test_no_label_is_cut_off_or_covers_another():
    figure = learning_curve(
        generations(viable=0.5, non_finite=1),
        references={"stay": 133.0, "random": 133.9, "greedy": 134.0, "oracle": 204.0},
    )
    picture(figure)
    boxes = [Text.get_window_extent(text) for text in figure.axes[0].texts]  # without the line that leads to a label
    boxes += [text.get_window_extent() for text in figure.axes[0].get_legend().get_texts()]
    assert all(box.x0 >= 0 and box.x1 <= 900 and box.y0 >= 0 and box.y1 <= 600 for box in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_champion_is_drawn_as_steps_from_its_first_validation_on():
    generation, score = line(learning_curve(generations()), "#0072b2")
    assert generation.tolist() == list(range(20))
    assert np.isnan(score[:4]).all()
    assert score[4:].tolist() == [120.0] * 6 + [130.0] * 10


def test_pass_rate_has_a_panel_only_where_a_genome_failed():
    assert len(learning_curve(generations()).axes) == 1
    filtered = learning_curve(generations(viable=0.25))
    assert len(filtered.axes) == 2
    assert set(filtered.axes[1].get_lines()[0].get_ydata()) == {25.0}
    assert len(learning_curves({"a": generations(), "b": generations(viable=0.9)}).axes) == 2


def test_non_finite_genomes_are_marked():
    rows = generations()
    rows[7] |= {"non_finite": 3, "fitness_best": None, "fitness_mean": None}
    figure = learning_curve(rows)
    assert "non-finite fitness" in words(figure)
    assert "non-finite fitness" not in words(learning_curve(generations()))
    assert picture(figure)


@pytest.mark.parametrize("count", [1, 2])
def test_very_short_runs_are_drawn(count):
    assert picture(learning_curve(generations(count), references=REFERENCES)).size == (900, 600)
    assert picture(learning_curves({"a": generations(count), "b": generations(count, seed=1)})).size == (900, 600)


def test_several_runs_have_their_mean_over_what_all_of_them_did():
    runs = {f"seed{seed}": generations(20 - 5 * seed, seed) for seed in range(3)}
    figure = learning_curves(runs, references=REFERENCES, title="three seeds")
    generation, mean = line(figure, "#d55e00")
    assert generation.tolist() == list(range(10))
    expected = np.mean([[row["fitness_mean"] for row in rows[:10]] for rows in runs.values()], axis=0)
    np.testing.assert_allclose(mean, expected)
    assert len([line for line in figure.axes[0].get_lines() if line.get_linewidth() == 0.8]) == 6
    assert "3 runs · 20 generations · 45 k env steps · 21 s" in words(figure)


def test_the_band_is_students_interval():
    figure = learning_curves({str(level): generations(3, fitness_mean=level) for level in (1.0, 2.0, 3.0)})
    heights = np.concatenate(
        [band.get_paths()[0].vertices[:, 1] for band in figure.axes[0].collections if band.get_paths()]
    )
    np.testing.assert_allclose(heights.min(), 2 - 4.302653 / np.sqrt(3), rtol=1e-5)


def test_wide_intervals_do_not_flatten_the_lines():
    figure = learning_curves({str(level): generations(20, fitness_mean=level) for level in (100.0, 140.0)})
    low, high = figure.axes[0].get_ylim()
    assert 90 < low < 100
    assert 140 < high < 150  # the interval of two runs reaches beyond 370


def test_scores_too_few_for_a_line_have_a_mark():
    late = generations(20)
    for row in late[:-1]:
        row["champion_score"] = None
    champion, mean, *_ = learning_curve(late).axes[0].get_lines()
    assert (champion.get_marker(), champion.get_markevery()) == ("o", [19])
    assert mean.get_marker() == "None"
    assert learning_curve(generations()).axes[0].get_lines()[0].get_markevery() == [4, 10]  # every new champion


@pytest.mark.parametrize(("viable", "lowest"), [(0.97, 90), (0.6, 50), (0.2, 0)])
def test_few_failures_are_seen(viable, lowest):
    assert learning_curve(generations(viable=viable)).axes[1].get_yticks()[0] == lowest


def test_fitness_that_was_never_finite_is_said():
    nothing = {"fitness_best": None, "fitness_mean": None, "champion_score": None}
    assert "no finite fitness" in words(learning_curve(generations(3, **nothing)))


def test_names_are_drawn_as_they_stand():
    figure = learning_curve(generations(2), references={"a_$b$": 1.0}, title="a[lr=0.1] cost$5_$x\n100%")
    assert "a[lr=0.1] cost$5_$x\\n100%" in words(figure)
    assert not any(text.get_parse_math() for text in (*figure.texts, *figure.axes[0].texts))
    assert picture(figure)


def test_a_users_style_changes_nothing(tmp_path):
    def bytes_of(name):
        figure = learning_curve(generations(5, viable=0.5), references=REFERENCES, title="runs/a_$1")
        return save_figure(figure, tmp_path / name).read_bytes()

    plain = bytes_of("plain.png")
    other = {
        "text.usetex": True,
        "figure.facecolor": "black",
        "axes.facecolor": "black",
        "savefig.bbox": "tight",
        "savefig.dpi": 30,
        "savefig.transparent": True,
        "font.family": "cursive",
        "lines.linewidth": 9.0,
        "axes.grid": True,
        "ytick.right": True,
        "text.hinting": "none",
        "path.sketch": (1.0, 100.0, 2.0),
    }
    with matplotlib.rc_context(other):
        before = dict(matplotlib.rcParams)
        assert bytes_of("other.png") == plain
        assert dict(matplotlib.rcParams) == before


def test_rows_of_a_resumed_run_count_once_and_the_later_one_counts():
    rows = [*generations(3), *generations(5, fitness_mean=7.0)[2:]]
    curves = Curves.of(rows)
    assert curves.generation.tolist() == [0, 1, 2, 3, 4]
    assert curves.mean[2:].tolist() == [7.0] * 3


def test_runs_on_disk(tmp_path):
    for name in ("seed0", "seed1"):
        (tmp_path / name).mkdir()
        text = "".join(json.dumps(row) + "\n" for row in generations(6))
        (tmp_path / name / "generations.jsonl").write_text(text + '{"generation": 6, "fitn')
    path = write_learning_curve(tmp_path / "seed0", references=REFERENCES)
    assert path == tmp_path / "seed0" / "learning_curve.png"
    with Image.open(path) as image:
        assert image.size == (900, 600)
    both = write_learning_curves([tmp_path / "seed0", tmp_path / "seed1"], tmp_path / "both.png")
    assert both.stat().st_size > 10_000
    assert not list(tmp_path.rglob("*.part"))


def test_runs_that_cannot_be_drawn_are_named(tmp_path):
    with pytest.raises(ValueError, match="at least one generation"):
        learning_curve([])
    with pytest.raises(ValueError, match="at least one run"):
        learning_curves({})
    with pytest.raises(ValueError, match=r"seed3: .* at least one generation"):
        learning_curves({"seed3": []})
    with pytest.raises(ValueError, match=r"row 2 .* no 'generation'"):
        learning_curve([{"generation": 0}, {}])
    with pytest.raises(RunError, match="no generations"):
        write_learning_curve(tmp_path)
    (tmp_path / "generations.jsonl").write_text(json.dumps(generations(1)[0]) + "\n")
    with pytest.raises(OSError, match="nowhere"):
        write_learning_curve(tmp_path, path=tmp_path / "nowhere" / "curve.png")
    assert len(list(tmp_path.iterdir())) == 1
