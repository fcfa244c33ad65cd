"""One still picture of a whole life."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from matplotlib.figure import Figure

from koki2_envs.files import write_atomically
from koki2_envs.knobs import knob_fields
from koki2_envs.ladder import RUNGS
from koki2_envs.life_record import LifeRecord
from koki2_envs.rendering.panels import (
    BESIDE,
    Panel,
    action_panel,
    body_panel,
    common_limit,
    prepare,
    sense_panel,
    shown_steps,
)
from koki2_envs.rendering.plane import draw_map, draw_time_key
from koki2_envs.rendering.scene import Scene, scene_of
from koki2_envs.rendering.strip import draw_strip
from koki2_envs.rendering.style import (
    FONT,
    GHOST,
    QUIET,
    TICK_SIZE,
    dress,
    fit_legend,
    heading,
    house_style,
    legend,
    new_figure,
)
from koki2_envs.rendering.window import Window, window_of

# Inches: small, so that type stays readable where the picture is shown at half its width.
_LEFT, _RIGHT, _TOP, _BOTTOM, _GAP = 0.9, 1.75, 0.85, 0.55, 0.16
_LABELS, _TWO_LINES = 0.52, 0.45  # from the vertical axes of panels to their labels, and what these take
_STRIP_WIDTH, _STRIP_HEIGHT = 4.9, 2.5
_MAP_SIDE, _BETWEEN, _BESIDE_MAP = 3.5, 1.0, 3.6
_TIME_KEY, _LEGEND_ROW = 1.28, 0.2  # under the map
_DPI = 120


def draw_life(
    env: Any, params: Any, record: LifeRecord, *, title: str | None = None, panels: Sequence[Panel] = ()
) -> Figure:
    """Draws one life: the world, and under it (in two dimensions beside it) body, senses and actions over time.

    Args:
        env: the world the life was lived in.
        params: its knobs.
        record: the life.
        title: heading; the rung and what it is, or in what the world differs from it, where None.
        panels: further panels, below the others.

    Returns:
        A matplotlib figure, not registered with pyplot; :func:`koki2_envs.rendering.save_figure` writes it.

    Raises:
        NotImplementedError: the world has no picture (see :data:`koki2_envs.rendering.scene_of`).
        ValueError: the record is not of this world.
    """
    record = jax.device_get(record)
    scene = scene_of(env, params, record)
    actions = record.actions[: record.num_lived]
    moved = (np.diff(scene.path, axis=0) != 0).any(axis=1)
    limit = common_limit(scene.senses)
    stack = [
        body_panel(scene.levels, () if scene.one_dimensional else scene.events),
        *(sense_panel(sense, limit) for sense in scene.senses),
        action_panel(actions, env.action_names, moved, _idle_moves(scene)),
        *panels,
    ]
    with house_style():
        figure = _strip_figure(scene, record, stack) if scene.one_dimensional else _map_figure(scene, record, stack)
        shown = default_title(env, params) if title is None else title
        heading(figure, shown, summary_line(scene, record), left=0.3, top=0.2)
    return figure


def _idle_moves(scene: Scene) -> tuple[str, ...]:
    """The moves along a side of one cell."""
    along = (("left", "right"), ("up", "down"))
    return tuple(name for side, names in zip(scene.size, along, strict=True) if side == 1 for name in names)


def default_title(env: Any, params: Any) -> str:
    """The rung and what it is, or in what the world differs from it."""
    row = RUNGS.get(env.rung)
    if row is None:
        return str(env.rung)
    changed = {name: size for name, size in env.structure.items() if size != row.structure.get(name)}
    for name in knob_fields(params):
        value = getattr(params, name)
        if name != "max_steps_in_episode" and value != getattr(env.default_params, name):
            changed[name] = value
    return (
        f"{env.rung} with " + ", ".join(f"{k} {v}" for k, v in changed.items())
        if changed
        else f"{env.rung} · {row.title}"
    )


def summary_line(scene: Scene, record: LifeRecord) -> str:
    """The life in one line."""
    happened = [f"{event.name} {event.times.size}×" for event in scene.events]
    return " · ".join([scene.ending.text, *happened, f"fitness {record.fitness:.1f}"])


def save_figure(figure: Any, path: str | os.PathLike[str]) -> Path:
    """Writes a matplotlib figure as PNG, at the figure's own resolution.

    Raises:
        OSError: see :func:`koki2_envs.files.write_atomically`.
    """
    buffer = io.BytesIO()
    # No software name or date: the same life gives the same bytes.
    with house_style():
        figure.savefig(buffer, format="png", metadata={"Software": None}, pil_kwargs={"optimize": True})
    return write_atomically(path, buffer.getvalue())


def _strip_figure(scene: Scene, record: LifeRecord, stack: list[Panel]) -> Figure:
    heights = [_STRIP_HEIGHT, *(panel.height for panel in stack)]
    size = (_LEFT + _STRIP_WIDTH + _RIGHT, _TOP + sum(heights) + _GAP * len(stack) + _BOTTOM)
    figure = new_figure(*size, _DPI)
    axes = _column(figure, heights, left=_LEFT, width=_STRIP_WIDTH)
    prepare(axes[0], record.num_lived, record.num_steps)
    keys = draw_strip(axes[0], scene, window_of(scene))
    legend(axes[0], keys, labelspacing=0.7, **BESIDE)
    _name_unlived(axes[0], record)
    _fill(axes[1:], stack, record)
    axes[0].tick_params(labelbottom=False)
    _align_labels(axes)
    return figure


def _map_figure(scene: Scene, record: LifeRecord, stack: list[Panel]) -> Figure:
    window = window_of(scene)
    heights = [panel.height for panel in stack]
    gaps = _GAP * (len(heights) - 1)
    # Two columns of: every layer, perhaps also where its things once were, and how many are not shown; every event; the
    # agent, its birth, its end, perhaps the reach of its senses.
    outside = sum(bool(window.outside(layer)) for layer in scene.layers)
    legend_rows = (2 * len(scene.layers) + outside + len(scene.events) + 4 + (scene.reach is not None)) // 2
    map_height = _MAP_SIDE * window.size[1] / max(window.size) + _TIME_KEY + _LEGEND_ROW * legend_rows + 0.12
    # Where the map is the taller side, the panels grow to end level with it.
    inner = max(sum(heights) + gaps, map_height - _BOTTOM)
    heights = [height * (inner - gaps) / sum(heights) for height in heights]
    figure = new_figure(_LEFT + _MAP_SIDE + _BETWEEN + _BESIDE_MAP + _RIGHT, _TOP + inner + _BOTTOM, _DPI)
    _draw_world(figure, scene, window, record)
    axes = _column(figure, heights, left=_LEFT + _MAP_SIDE + _BETWEEN, width=_BESIDE_MAP)
    _fill(axes, stack, record)
    _name_unlived(axes[0], record)
    _align_labels(axes)
    return figure


def _draw_world(figure: Figure, scene: Scene, window: Window, record: LifeRecord) -> None:
    """The map at the top left, as large as its box allows, with the colours of time and a legend under it."""
    scale = _MAP_SIDE / max(window.size)
    width, height = window.size[0] * scale, window.size[1] * scale
    total_width, total_height = figure.get_size_inches()
    bottom = total_height - _TOP - height
    ax = figure.add_axes((_LEFT / total_width, bottom / total_height, width / total_width, height / total_height))
    dress(ax)
    ax.spines[:].set(visible=True, color=QUIET)
    keys = draw_map(ax, scene, window)
    key = (_LEFT / total_width, (bottom - 0.78) / total_height, _MAP_SIDE / total_width, 0.1 / total_height)
    draw_time_key(figure, key, record.num_lived)
    under = legend(ax, keys, loc="upper left", bbox_to_anchor=(0.0, -_TIME_KEY / height), ncols=2, columnspacing=1.4)
    fit_legend(under, _MAP_SIDE + _BETWEEN - _LABELS - _TWO_LINES)


def _name_unlived(ax: Any, record: LifeRecord) -> None:
    """Says what the hatching means, where there is room for it."""
    end = shown_steps(record.num_lived, record.num_steps)
    if end - record.num_lived > 0.12 * end:
        box = {"facecolor": GHOST, "edgecolor": "none", "pad": 2}
        style = {"ha": "center", "va": "center", "size": TICK_SIZE, "color": QUIET, "family": FONT, "bbox": box}
        middle, text = (record.num_lived + end) / 2, f"not lived\n(to {record.num_steps})"
        ax.text(middle, 0.5, text, transform=ax.get_xaxis_transform(), **style)


def _fill(axes: list[Any], stack: list[Panel], record: LifeRecord) -> None:
    for ax, panel in zip(axes, stack, strict=True):
        prepare(ax, record.num_lived, record.num_steps)
        panel.draw(ax)
        ax.set_xlim(0, shown_steps(record.num_lived, record.num_steps))
        ax.tick_params(labelbottom=ax is axes[-1])
    axes[-1].set_xlabel("time (steps)")


def _align_labels(axes: list[Any]) -> None:
    """Vertical labels of panels of one width, below each other."""
    for ax in axes:
        width = ax.get_position().width * ax.figure.get_figwidth()
        ax.yaxis.set_label_coords(-_LABELS / width, 0.5)


def _column(figure: Figure, heights: list[float], *, left: float, width: float) -> list[Any]:
    """Axes one below the other; all lengths in inches."""
    total_width, total_height = figure.get_size_inches()
    tops = total_height - _TOP - np.concatenate([[0.0], np.cumsum(np.asarray(heights[:-1]) + _GAP)])
    return [
        figure.add_axes((left / total_width, (top - height) / total_height, width / total_width, height / total_height))
        for top, height in zip(tops, heights, strict=True)
    ]
