"""Pictures of lives: they show the life that was lived and nothing else, and are written whole or not at all."""

import dataclasses
import io
from functools import cache

import jax
import numpy as np
import pytest
from PIL import Image

from koki2_envs import RUNGS, LifeRecord, make, rollout
from koki2_envs.files import write_atomically
from koki2_envs.rendering import (
    Event,
    Layer,
    Mark,
    Panel,
    animate_life,
    draw_life,
    save_figure,
    scene_of,
    style,
)
from koki2_envs.rendering import film as film_module
from koki2_envs.rendering.readouts import faded, recent_events
from koki2_envs.rendering.window import window_of

FORAGING = ("L0.0", "L0.1", "L0.2", "L1.0", "L1.1")
STEPS = 24


@cache
def a_life(rung, policy="random", seed=0, **knobs):
    env, params = make(rung)
    params = params.replace(max_steps_in_episode=STEPS, **knobs)
    return env, params, jax.device_get(rollout(env, params, policy, jax.random.key(seed)))


def pixels(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return np.asarray(Image.open(buffer).convert("RGB"))


@pytest.mark.parametrize("rung", FORAGING)
def test_every_rung_has_a_still_and_a_film(rung, tmp_path):
    env, params, record = a_life(rung)
    figure = draw_life(env, params, record)
    png = save_figure(figure, tmp_path / "life.png")
    with Image.open(png) as picture:
        assert picture.format == "PNG"
        assert picture.size == tuple((figure.get_size_inches() * figure.dpi).astype(int))
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 50
    gif = animate_life(env, params, record, tmp_path / "life.gif")
    with Image.open(gif) as film:
        assert film.format == "GIF"
        assert film.n_frames == record.num_lived + 1
        assert film.info["loop"] == 0
        assert film.width == 688
        assert film.height > 300
    assert RUNGS[rung].title in figure.texts[0].get_text()


def test_film_of_a_usual_life_is_small(tmp_path):
    env, params, record = a_life("L0.1")
    gif = animate_life(env, params, record, tmp_path / "life.gif")
    assert gif.stat().st_size < 1.5e6 * record.num_lived / 128


def test_fps_is_the_duration_of_a_frame_and_the_last_one_stays(tmp_path):
    env, params, record = a_life("L0.0")
    with Image.open(animate_life(env, params, record, tmp_path / "life.gif", fps=20)) as film:
        assert film.info["duration"] == 50
        film.seek(film.n_frames - 1)
        assert film.info["duration"] > 1000


def test_dead_steps_are_not_drawn(tmp_path):
    env, params, record = a_life("L0.2", energy_decay=0.15)
    lived = record.num_lived
    assert lived == 7
    assert scene_of(env, params, record).ending == ("starved at step 7", True)
    garbage = jax.tree.map(
        lambda leaf: np.where(np.arange(len(leaf)) > lived, 7, leaf.T).T.astype(leaf.dtype), record.states
    )
    other = dataclasses.replace(
        record,
        states=garbage,
        actions=np.where(record.alive, record.actions, 3),
        rewards=np.where(record.alive, record.rewards, 1e6),
        observations=np.where(record.alive[:, None], record.observations, 9.0),
    )
    assert np.array_equal(pixels(draw_life(env, params, record)), pixels(draw_life(env, params, other)))
    films = [animate_life(env, params, r, tmp_path / f"{i}.gif").read_bytes() for i, r in enumerate((record, other))]
    assert films[0] == films[1]
    with Image.open(io.BytesIO(films[0])) as film:
        assert film.n_frames == lived + 1


def test_a_different_life_looks_different():
    first, second = (pixels(draw_life(*a_life("L0.1", seed=seed))) for seed in (0, 1))
    assert not np.array_equal(first, second)


def test_events_are_the_arrivals_that_the_world_counted():
    _, _, record = life = a_life("L1.0", seed=3, width=6)
    scene = scene_of(*life)
    ate = next(event for event in scene.events if event.name == "ate")
    assert np.array_equal(ate.times, np.flatnonzero(record.info["energy_gained"] > 0) + 1)


def test_a_perfect_sensor_is_shown_only_where_the_sensor_distorts():
    assert scene_of(*a_life("L1.0")).senses[0].undistorted is None
    sense = scene_of(*a_life("L1.1")).senses[0]
    heard = sense.values != 0
    np.testing.assert_allclose(sense.values[heard], sense.undistorted[heard], atol=1e-6)
    assert not heard.all()


def test_a_plane_senses_along_both_axes_and_a_strip_along_its_own():
    assert [sense.name for sense in scene_of(*a_life("L0.1")).senses] == ["gradient x", "gradient y"]
    assert [sense.name for sense in scene_of(*a_life("L0.0", width=1, height=20)).senses] == ["gradient y"]
    assert pixels(draw_life(*a_life("L0.0", width=1, height=20))).size


@pytest.mark.parametrize("size", [(1, 1), (300, 2), (3, 900)])
def test_worlds_of_odd_shapes_can_be_drawn(size, tmp_path):
    life = a_life("L0.0", width=size[0], height=size[1])
    assert pixels(draw_life(*life)).size
    assert animate_life(*life, tmp_path / "life.gif").stat().st_size


def test_things_and_events_differ_in_shape():
    things = (style.GOOD, style.BAD, style.ZONE, style.WATER, style.SALT, style.SHELTER, style.SECOND, style.WALL)
    events = (style.ATE, style.ATE_SECOND, style.DRANK, style.DRANK_SALT, style.HARMED, style.UNRIPE, style.PAIN)
    assert not {mark.shape for mark in things} & {mark.shape for mark in events}
    together = (
        (style.ATE, style.HARMED, style.DRANK, style.DRANK_SALT),
        (style.ATE, style.HARMED, style.ATE_SECOND, style.UNRIPE),
        (style.ATE, style.HARMED, style.PAIN),
    )
    for marks in together:
        assert len({mark.shape for mark in marks}) == len(marks)
        assert len({(mark.shape, mark.marker) for mark in marks}) == len(marks)


def test_moves_that_move_nothing_are_light():
    env, params, record = a_life("L0.1", "straight", width=3, height=3)
    moved = (np.diff(record.states.pos, axis=0) != 0).any(axis=1)
    assert 0 < moved.sum() < STEPS
    panel = next(ax for ax in draw_life(env, params, record).axes if ax.get_ylabel() == "action")
    bars = {bars.get_facecolor()[0].tolist()[0]: bars for bars in panel.collections if bars.get_paths()}
    steps = [sum(np.ptp(path.vertices[:, 0]) for path in bars[shade].get_paths()) for shade in sorted(bars)]
    assert steps == [moved.sum(), STEPS - moved.sum()]
    assert [text.get_text() for text in panel.get_legend().get_texts()] == ["no move"]


def test_moves_across_a_line_are_said_to_do_nothing():
    panel = next(ax for ax in draw_life(*a_life("L0.0")).axes if ax.get_ylabel() == "action")
    assert [text.get_text().endswith("= stay") for text in panel.texts] == [False, True, True, False, False]


def test_a_long_line_is_shown_where_it_was_lived_on():
    env, params, record = a_life("L0.0", "stay", width=200)
    scene = scene_of(env, params, record)
    (layer,) = scene.layers
    scene = dataclasses.replace(scene, path=scene.path * 0 + np.asarray([100, 0]), layers=())
    window = window_of(scene)
    assert (window.first.tolist(), window.last.tolist()) == ([92, 0], [107, 0])
    assert window.axis_label(0, scene.size) == "x (cells 92–107 of 0–199)"
    near_and_far = layer._replace(pos=np.tile([[[120, 0], [7, 0]]], (STEPS + 1, 1, 1)))
    window = window_of(dataclasses.replace(scene, layers=(near_and_far,)))
    assert (window.first[0], window.last[0]) == (92, 121)
    assert window.outside(near_and_far) == "1 of 2 outside"
    wide = dataclasses.replace(scene, path=np.stack([np.linspace(0, 180, STEPS + 1).astype(int)] * 2, 1) * [1, 0])
    assert window_of(wide).size == scene.size
    edge = dataclasses.replace(scene, path=scene.path * 0 + np.asarray([199, 0]))
    assert window_of(edge).first[0] == 184


def test_a_short_life_fills_its_picture():
    env, params, record = a_life("L0.2", energy_decay=0.15)  # 7 of 24 steps
    axes = draw_life(env, params, record).axes
    assert {ax.get_xlim() for ax in axes} == {(0.0, 10.0)}
    assert "not lived\n(to 24)" in [text.get_text() for text in axes[0].texts]


def test_events_fade():
    ate = Event("ate", style.ATE, np.asarray([5]))
    ages = [[age for _, age in recent_events((ate,), time)] for time in range(4, 15)]
    assert ages == [[], [0], [1], [2], [3], [4], [5], [6], [7], [], []]
    shades = [faded(ate, age) for age in range(8)]
    assert shades == sorted(shades)
    assert len(set(shades)) == 8


def test_names_that_matplotlib_would_read_as_formulas_are_drawn_as_they_stand(tmp_path):
    title = "runs/cost$5_$x {a[lr=0.1]} 100% \\frac\n" + "\N{SNAKE}"
    figure = draw_life(*a_life("L0.2"), title=title)
    assert figure.texts[0].get_text() == "runs/cost$5_$x {a[lr=0.1]} 100% \\frac\\n\\U0001f40d"
    figure = draw_life(*a_life("L0.2"), title="x" * 80 + "1" + "x" * 80)
    other = draw_life(*a_life("L0.2"), title="x" * 80 + "2" + "x" * 80)
    assert figure.texts[0].get_text() != other.texts[0].get_text()
    figure.canvas.draw()
    assert figure.texts[0].get_window_extent().x1 < figure.bbox.x1
    assert animate_life(*a_life("L0.2"), tmp_path / "life.gif", title=title).stat().st_size


def test_reaching_the_goal_is_no_death():
    life = a_life("L0.0", width=3, terminate_on_reach=True)
    assert scene_of(*life).ending.text.startswith("reached a good source at step")
    assert not scene_of(*life).ending.fatal


@pytest.mark.parametrize("size", [(9, 9), (16, 5), (5, 16)])
def test_nothing_is_cut_off(size):
    figure = draw_life(*a_life("L1.0", seed=3, width=size[0], height=size[1], energy_decay=0.06))
    figure.canvas.draw()
    everything = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert 0 <= everything.x0 < everything.x1 <= width
    assert 0 <= everything.y0 < everything.y1 <= height


def test_further_panels_and_layers_can_be_added(monkeypatch, tmp_path):
    env, params, record = a_life("L0.1")
    drawn = []
    plain, more = (draw_life(env, params, record, panels=p) for p in ((), [Panel(drawn.append, 1.0)]))
    assert len(more.axes) == len(plain.axes) + 1
    assert drawn[0] in more.axes
    scene = scene_of(env, params, record)
    cells = np.broadcast_to([[3, 3], [4, 3]], (STEPS + 1, 2, 2))
    wall = Layer("wall", Mark("#123456", "block"), cells, np.ones((STEPS + 1, 2), bool))
    monkeypatch.setattr(film_module, "scene_of", lambda *_: dataclasses.replace(scene, layers=(wall, *scene.layers)))
    with Image.open(animate_life(env, params, record, tmp_path / "wall.gif")) as film:
        assert (0x12, 0x34, 0x56) in {colour for _, colour in film.convert("RGB").getcolors(1 << 16)}


def test_unwritable_files_are_named_and_nothing_is_left_behind(tmp_path):
    env, params, record = a_life("L0.0")
    missing = tmp_path / "no such folder" / "life.gif"
    with pytest.raises(OSError, match="no such folder"):
        animate_life(env, params, record, missing)
    taken = tmp_path / "life.png"
    taken.mkdir()
    with pytest.raises(OSError, match=r"life\.png"):
        save_figure(draw_life(env, params, record), taken)
    assert [path.name for path in tmp_path.iterdir()] == ["life.png"]


def test_an_old_picture_survives_a_failed_drawing(tmp_path, monkeypatch):
    path = write_atomically(tmp_path / "life.gif", b"old")
    env, params, record = a_life("L0.0")

    def fail(*_):
        raise RuntimeError("half way")

    monkeypatch.setattr(film_module, "draw_readouts", fail)
    with pytest.raises(RuntimeError, match="half way"):
        animate_life(env, params, record, path)
    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_wrong_input_is_named(tmp_path):
    env, params, record = a_life("L0.0")
    with pytest.raises(ValueError, match="fps"):
        animate_life(env, params, record, tmp_path / "life.gif", fps=0)
    with pytest.raises(ValueError, match=r"rewards.*24"):
        dataclasses.replace(record, rewards=record.rewards[:-1])
    with pytest.raises(ValueError, match=r"states.*source_pos.*25"):
        dataclasses.replace(record, states=record.states.replace(source_pos=record.states.source_pos[:-1]))
    with pytest.raises(ValueError, match="alive must not become True again after step 1"):
        dataclasses.replace(record, alive=np.arange(STEPS) != 1)
    with pytest.raises(NotImplementedError, match="scene_of"):
        draw_life(object(), params, record)
    with pytest.raises(ValueError, match="ForagingState"):
        draw_life(env, params, dataclasses.replace(record, states={"pos": record.states.pos}))


def test_a_record_can_be_stacked_from_what_a_plain_loop_collects():
    env, params, record = a_life("L0.0")
    states = [jax.tree.map(lambda leaf, t=t: leaf[t], record.states) for t in range(4)]
    infos = [{name: values[t] for name, values in record.info.items()} for t in range(3)]
    stacked = LifeRecord.stack(states, list(record.observations[:4]), list(record.actions[:3]), [1.0, 1.0, 1.0], infos)
    assert stacked.num_lived == stacked.num_steps == 3
    assert stacked.observations.shape == (3, 4)
    assert np.array_equal(stacked.states.pos, record.states.pos[:4])
    assert pixels(draw_life(env, params, stacked)).size
