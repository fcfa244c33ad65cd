"""One still picture of a whole life."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from koki2_envs.files import write_atomically
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
)
from koki2_envs.rendering.scene import Scene, scene_of
from koki2_envs.rendering.style import FONT, GHOST, LABEL_SIZE, QUIET, dress, heading, legend
from koki2_envs.rendering.views import draw_map, draw_strip, draw_time_key

# Inches.
_LEFT, _RIGHT, _TOP, _BOTTOM, _GAP = 0.95, 1.75, 0.9, 0.62, 0.2
_STRIP_WIDTH, _STRIP_HEIGHT = 8.4, 3.3
_MAP_SIDE, _BETWEEN, _BESIDE_MAP = 4.6, 0.95, 5.4
_TIME_KEY, _LEGEND_ROW = 1.28, 0.2  # under the map
_DPI = 110


def draw_life(
    env: Any, params: Any, record: LifeRecord, *, title: str | None = None, panels: Sequence[Panel] = ()
) -> Figure:
    """Draws one life: the world, and under it (in two dimensions beside it) body, senses and actions over time.

    Args:
        env: the world the life was lived in.
        params: its knobs.
        record: the life.
        title: heading; the rung and what it is where None.
        panels: further panels, below the others.

    Returns:
        A matplotlib figure, not registered with pyplot; :func:`koki2_envs.rendering.save_figure` writes it.

    Raises:
        NotImplementedError: the world has no picture (see :data:`koki2_envs.rendering.scene_of`).
        ValueError: the record is not of this world.
    """
    record = jax.device_get(record)
    scene = scene_of(env, params, record)
    marks_on_body = () if scene.one_dimensional else scene.events
    limit = common_limit(scene.senses)
    stack = [
        body_panel(scene.levels, marks_on_body),
        *(sense_panel(sense, limit) for sense in scene.senses),
        action_panel(record.actions[: record.num_lived], env.action_names),
        *panels,
    ]
    figure = _strip_figure(scene, record, stack) if scene.one_dimensional else _map_figure(scene, record, stack)
    heading(figure, default_title(env) if title is None else title, summary_line(scene, record), left=_LEFT, top=0.22)
    return figure


def default_title(env: Any) -> str:
    """The rung and what it is."""
    row = RUNGS.get(env.rung)
    return f"{env.rung} · {row.title}" if row else str(env.rung)


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
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return write_atomically(path, buffer.getvalue())


def _strip_figure(scene: Scene, record: LifeRecord, stack: list[Panel]) -> Figure:
    heights = [_STRIP_HEIGHT, *(panel.height for panel in stack)]
    figure = _figure(_LEFT + _STRIP_WIDTH + _RIGHT, _TOP + sum(heights) + _GAP * len(stack) + _BOTTOM)
    axes = _column(figure, heights, left=_LEFT, width=_STRIP_WIDTH)
    axes[0].set_ylim(-0.5, scene.size[scene.long_axis] - 0.5)
    prepare(axes[0], record.num_lived, record.num_steps)
    keys = draw_strip(axes[0], scene)
    legend(axes[0], keys, labelspacing=0.85, **BESIDE)
    _name_unlived(axes[0], record)
    _fill(axes[1:], stack, record)
    axes[0].tick_params(labelbottom=False)
    figure.align_ylabels(axes)
    return figure


def _map_figure(scene: Scene, record: LifeRecord, stack: list[Panel]) -> Figure:
    heights = [panel.height for panel in stack]
    gaps = _GAP * (len(heights) - 1)
    # Two columns of: every layer, perhaps also where its things once were; every event; the agent, its birth, its end,
    # perhaps the reach of its senses.
    legend_rows = (2 * len(scene.layers) + len(scene.events) + 4 + (scene.reach is not None)) // 2
    map_height = _MAP_SIDE * scene.size[1] / max(scene.size) + _TIME_KEY + _LEGEND_ROW * legend_rows + 0.12
    # Where the map is the taller side, the panels grow to end level with it.
    inner = max(sum(heights) + gaps, map_height - _BOTTOM)
    heights = [height * (inner - gaps) / sum(heights) for height in heights]
    figure = _figure(_LEFT + _MAP_SIDE + _BETWEEN + _BESIDE_MAP + _RIGHT, _TOP + inner + _BOTTOM)
    _draw_world(figure, scene, record)
    axes = _column(figure, heights, left=_LEFT + _MAP_SIDE + _BETWEEN, width=_BESIDE_MAP)
    _fill(axes, stack, record)
    _name_unlived(axes[0], record)
    figure.align_ylabels(axes)
    return figure


def _draw_world(figure: Figure, scene: Scene, record: LifeRecord) -> None:
    """The map at the top left, as large as its box allows, with the colours of time and a legend under it."""
    scale = _MAP_SIDE / max(scene.size)
    width, height = scene.size[0] * scale, scene.size[1] * scale
    total_width, total_height = figure.get_size_inches()
    bottom = total_height - _TOP - height
    ax = figure.add_axes((_LEFT / total_width, bottom / total_height, width / total_width, height / total_height))
    dress(ax)
    ax.spines[:].set(visible=True, color=QUIET)
    keys = draw_map(ax, scene)
    ax.set(xlabel="x (cells)", ylabel="y (cells)")
    key = (_LEFT / total_width, (bottom - 0.78) / total_height, width / total_width, 0.1 / total_height)
    draw_time_key(figure, key, record.num_lived)
    legend(ax, keys, loc="upper left", bbox_to_anchor=(0.0, -_TIME_KEY / height), ncols=2, columnspacing=1.4)


def _name_unlived(ax: Any, record: LifeRecord) -> None:
    """Says what the hatching means, where there is room for it."""
    missing = record.num_steps - record.num_lived
    if missing > 0.15 * record.num_steps:
        box = {"facecolor": GHOST, "edgecolor": "none", "pad": 3}
        style = {"ha": "center", "va": "center", "size": LABEL_SIZE, "color": QUIET, "family": FONT, "bbox": box}
        ax.text(record.num_lived + missing / 2, 0.5, "not lived", transform=ax.get_xaxis_transform(), **style)


def _fill(axes: list[Any], stack: list[Panel], record: LifeRecord) -> None:
    for ax, panel in zip(axes, stack, strict=True):
        prepare(ax, record.num_lived, record.num_steps)
        panel.draw(ax)
        ax.set_xlim(0, record.num_steps)
        ax.tick_params(labelbottom=ax is axes[-1])
    axes[-1].set_xlabel("time (steps)")


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _column(figure: Figure, heights: list[float], *, left: float, width: float) -> list[Any]:
    """Axes one below the other; all lengths in inches."""
    total_width, total_height = figure.get_size_inches()
    tops = total_height - _TOP - np.concatenate([[0.0], np.cumsum(np.asarray(heights[:-1]) + _GAP)])
    return [
        figure.add_axes((left / total_width, (top - height) / total_height, width / total_width, height / total_height))
        for top, height in zip(tops, heights, strict=True)
    ]
