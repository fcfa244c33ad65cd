"""Stage of a film: the positions of everything, and what is the same in every frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from koki2_envs.life_record import LifeRecord
from koki2_envs.rendering.panels import common_limit
from koki2_envs.rendering.scene import Curve, Scene
from koki2_envs.rendering.sprites import agent_sprite, font, palette_of, sprite
from koki2_envs.rendering.style import FAINT, GHOST, INK, PAPER, QUIET
from koki2_envs.rendering.text import fitted, literal
from koki2_envs.rendering.window import Window, window_of

# Pixels.
MARGIN, TOP, WIDTH, SIDEBAR = 24, 58, 640, 224
STRIP, STRIP_PAD, TRAIL_GAP, TRAIL_ROW, ROW, SCALE_ROW = 38, 12, 8, 3, 24, 14
_BASELINE, _LEGEND = 34, 30

_SIZES = (16, 15, 14, 13, 12)  # of the title

TRAIL = 40
"""Steps of the past that are shown."""


@dataclass(frozen=True)
class Stage:
    """What stays the same from frame to frame.

    Attributes:
        scene: what to draw.
        window: the cells that are shown.
        record: the life.
        action_names: by action.
        returns: (n + 1,) reward summed up to each state.
        sense_limit: largest value of a sense's bar.
        background: RGB, all that never changes.
        palette: of all frames.
        origin: pixel of the upper left corner of the first cell shown.
        scale: pixels per cell.
        readings: pixel of the readings' upper left corner.
        readouts: further numbers, (n,) values each.
    """

    scene: Scene
    window: Window
    record: LifeRecord
    action_names: tuple[str, ...]
    returns: np.ndarray
    sense_limit: float
    background: Image.Image
    palette: Image.Image
    origin: tuple[int, int]
    scale: float
    readings: tuple[int, int]
    readouts: tuple[Curve, ...] = ()

    @property
    def mark(self) -> int:
        """Pixels of a source's mark."""
        size = int(np.clip(0.82 * self.scale, 13, 26))
        return size + 7 if self.scene.one_dimensional else size

    @property
    def agent(self) -> int:
        """Pixels of the agent."""
        return max(int(0.78 * self.mark), 11)

    @property
    def world(self) -> tuple[int, int, int, int]:
        """The pixels that the world takes: left, top, right, bottom."""
        left, top = self.origin
        if self.scene.one_dimensional:
            return MARGIN, top, MARGIN + WIDTH, top + STRIP
        width, height = (int(self.scale * cells) for cells in self.window.size)
        return left, top, left + width, top + height

    @property
    def counter_at(self) -> tuple[int, int]:
        """Pixel where the step counter ends, on its baseline."""
        return self.background.width - MARGIN, _BASELINE

    def pixel(self, cell: np.ndarray) -> tuple[int, int]:
        """The middle of a cell (x, y)."""
        cell = cell - self.window.first
        if self.scene.one_dimensional:
            along = cell[self.scene.long_axis]
            return int(self.origin[0] + (along + 0.5) * self.scale), self.origin[1] + STRIP // 2
        return int(self.origin[0] + (cell[0] + 0.5) * self.scale), int(self.origin[1] + (cell[1] + 0.5) * self.scale)


def set_stage(env: Any, scene: Scene, record: LifeRecord, title: str, readouts: tuple[Curve, ...] = ()) -> Stage:
    """Lays out a film of ``scene``, with further readouts, and paints its background."""
    window = window_of(scene)
    size, longest = window.size, max(window.size)
    if scene.one_dimensional:
        scale, pad = (WIDTH - 2 * STRIP_PAD) / longest, STRIP_PAD
        world = (WIDTH, STRIP + TRAIL_GAP + TRAIL_ROW * TRAIL + 4)
        readings = (MARGIN, TOP + world[1] + 16)
        rows = max(len(scene.levels) + len(readouts), len(scene.senses), 3)
        height = readings[1] + SCALE_ROW + ROW * rows + 4
    else:
        room, pad = WIDTH - SIDEBAR - MARGIN, 0
        scale = max(room // longest, room / longest if room < longest else 1)
        world = (int(scale * size[0]), int(scale * size[1]))
        readings = (MARGIN + room + MARGIN, TOP)
        rows = len(scene.levels) + len(scene.senses) + len(readouts) + 4
        height = TOP + max(world[1], 2 * SCALE_ROW + ROW * rows) + 16
    blocks = [layer.mark.colour for layer in scene.layers if layer.mark.shape == "block"]
    marks = [layer.mark.colour for layer in scene.layers if layer.mark.shape != "block"]
    curves = [curve.colour for curve in (*scene.levels, *scene.senses, *readouts)]
    colours = marks + [event.mark.colour for event in scene.events] + curves
    stage = Stage(
        scene=scene,
        window=window,
        record=record,
        action_names=env.action_names,
        returns=np.concatenate([[0.0], np.cumsum(record.rewards[: record.num_lived])]),
        sense_limit=common_limit(scene.senses),
        background=Image.new("RGB", (WIDTH + 2 * MARGIN, height + _LEGEND), PAPER),
        palette=palette_of(colours, blocks),
        origin=(MARGIN + pad, TOP),
        scale=scale,
        readings=readings,
        readouts=readouts,
    )
    draw = ImageDraw.Draw(stage.background)
    _write_title(draw, title)
    if scene.one_dimensional:
        _draw_strip(draw, world, window.cut(scene.size))
    else:
        _draw_plane(draw, stage, world)
    _draw_legend(draw, stage)
    return stage


def _write_title(draw: ImageDraw.ImageDraw, title: str) -> None:
    """As large as fits beside the step counter, and shortened where none does."""

    def fits(text: str, size: int = _SIZES[-1]) -> bool:
        return bool(draw.textlength(text, font(size, True)) < WIDTH - 150)

    size = next((size for size in _SIZES if fits(literal(title), size)), _SIZES[-1])
    draw.text((MARGIN, _BASELINE), fitted(title, fits), INK, font(size, True), anchor="ls")


def _draw_strip(draw: ImageDraw.ImageDraw, world: tuple[int, int], cells: str) -> None:
    right, bottom = MARGIN + world[0] - 1, TOP + world[1]
    draw.rectangle((MARGIN, TOP, right, TOP + STRIP - 1), fill=GHOST, outline=FAINT)
    draw.line((MARGIN, bottom, right, bottom), fill=FAINT)
    draw.text((MARGIN, bottom - 4), cells, QUIET, font(12), anchor="ls")
    draw.text((right, bottom - 4), f"{TRAIL} steps ago", QUIET, font(12), anchor="rs")


def _draw_plane(draw: ImageDraw.ImageDraw, stage: Stage, world: tuple[int, int]) -> None:
    left, top, right, bottom = MARGIN, TOP, MARGIN + world[0], TOP + world[1]
    draw.rectangle((left, top, right, bottom), fill=GHOST, outline=FAINT)
    if stage.scale >= 8:
        for column in range(1, stage.window.size[0]):
            draw.line((left + column * stage.scale, top, left + column * stage.scale, bottom), fill=FAINT)
        for row in range(1, stage.window.size[1]):
            draw.line((left, top + row * stage.scale, right, top + row * stage.scale), fill=FAINT)


def _draw_legend(draw: ImageDraw.ImageDraw, stage: Stage) -> None:
    left, middle = MARGIN, stage.background.height - 17
    entries = [(agent_sprite(15), "agent")]
    for layer in stage.scene.layers:
        outside = stage.window.outside(layer)
        entries.append((sprite(layer.mark, 13), literal(layer.name) + f" ({outside})" * bool(outside)))
    for picture, name in entries:
        stage.background.paste(picture, (left, middle - picture.height // 2), picture)
        draw.text((left + 21, middle), name, QUIET, font(13), anchor="lm")
        left += 21 + int(draw.textlength(name, font(13))) + 20
    if not stage.scene.one_dimensional:
        draw.text((left, middle), stage.window.cut(stage.scene.size), QUIET, font(13), anchor="lm")
