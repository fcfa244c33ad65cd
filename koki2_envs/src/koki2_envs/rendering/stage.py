"""Stage of a film: the positions of everything, and what is the same in every frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from koki2_envs.life_record import LifeRecord
from koki2_envs.rendering.panels import common_limit
from koki2_envs.rendering.scene import Scene
from koki2_envs.rendering.sprites import agent_sprite, font, palette_of, sprite
from koki2_envs.rendering.style import FAINT, GHOST, INK, PAPER, QUIET, tint

# Pixels.
MARGIN, TOP, WIDTH, SIDEBAR = 24, 58, 640, 200
STRIP, STRIP_PAD, TRAIL_GAP, TRAIL_ROW, ROW = 38, 12, 8, 3, 24
_BASELINE, _LEGEND = 34, 30

TRAIL = 40
"""Steps of the past that are shown."""


@dataclass(frozen=True)
class Stage:
    """What stays the same from frame to frame.

    Attributes:
        scene: what to draw.
        record: the life.
        action_names: by action.
        returns: (n + 1,) reward summed up to each state.
        sense_limit: largest value of a sense's bar.
        background: RGB, all that never changes.
        palette: of all frames.
        origin: pixel of the upper left corner of cell (0, 0).
        scale: pixels per cell.
        readings: pixel of the readings' upper left corner.
    """

    scene: Scene
    record: LifeRecord
    action_names: tuple[str, ...]
    returns: np.ndarray
    sense_limit: float
    background: Image.Image
    palette: Image.Image
    origin: tuple[int, int]
    scale: float
    readings: tuple[int, int]

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
        width, height = (int(self.scale * cells) for cells in self.scene.size)
        return left, top, left + width, top + height

    @property
    def counter_at(self) -> tuple[int, int]:
        """Pixel where the step counter ends, on its baseline."""
        return self.background.width - MARGIN, _BASELINE

    def pixel(self, cell: np.ndarray) -> tuple[int, int]:
        """The middle of a cell (x, y)."""
        if self.scene.one_dimensional:
            along = cell[self.scene.long_axis]
            return int(self.origin[0] + (along + 0.5) * self.scale), self.origin[1] + STRIP // 2
        return int(self.origin[0] + (cell[0] + 0.5) * self.scale), int(self.origin[1] + (cell[1] + 0.5) * self.scale)


def set_stage(env: Any, scene: Scene, record: LifeRecord, title: str) -> Stage:
    """Lays out a film of ``scene`` and paints its background."""
    if scene.one_dimensional:
        scale, pad = (WIDTH - 2 * STRIP_PAD) / max(scene.size), STRIP_PAD
        world = (WIDTH, STRIP + TRAIL_GAP + TRAIL_ROW * TRAIL + 4)
        readings = (MARGIN, TOP + world[1] + 16)
        height = readings[1] + ROW * max(len(scene.levels), len(scene.senses), 3) + 4
    else:
        room, pad = WIDTH - SIDEBAR - MARGIN, 0
        scale = max(room // max(scene.size), room / max(scene.size) if room < max(scene.size) else 1)
        world = (int(scale * scene.size[0]), int(scale * scene.size[1]))
        readings = (MARGIN + room + MARGIN, TOP)
        height = TOP + max(world[1], ROW * (len(scene.levels) + len(scene.senses) + 4)) + 16
    blocks = [layer.mark.colour for layer in scene.layers if layer.mark.shape == "block"]
    marks = [layer.mark.colour for layer in scene.layers if layer.mark.shape != "block"]
    colours = marks + [level.colour for level in scene.levels]
    stage = Stage(
        scene=scene,
        record=record,
        action_names=env.action_names,
        returns=np.concatenate([[0.0], np.cumsum(record.rewards[: record.num_lived])]),
        sense_limit=common_limit(scene.senses),
        background=Image.new("RGB", (WIDTH + 2 * MARGIN, height + _LEGEND), PAPER),
        palette=palette_of(colours, blocks),
        origin=(MARGIN + pad, TOP),
        scale=scale,
        readings=readings,
    )
    draw = ImageDraw.Draw(stage.background)
    _write_title(draw, title)
    if scene.one_dimensional:
        _draw_strip(draw, world)
    else:
        _draw_plane(draw, stage, world)
    _draw_legend(draw, stage)
    return stage


def _write_title(draw: ImageDraw.ImageDraw, title: str) -> None:
    """As large as fits beside the step counter."""
    fitting = (size for size in (15, 14, 13, 12, 11) if draw.textlength(title, font(size, True)) < WIDTH - 150)
    draw.text((MARGIN, _BASELINE), title, INK, font(next(fitting, 10), True), anchor="ls")


def _draw_strip(draw: ImageDraw.ImageDraw, world: tuple[int, int]) -> None:
    right, bottom = MARGIN + world[0] - 1, TOP + world[1]
    draw.rectangle((MARGIN, TOP, right, TOP + STRIP - 1), fill=GHOST, outline=FAINT)
    draw.line((MARGIN, bottom, right, bottom), fill=FAINT)
    draw.text((right, bottom - 4), f"{TRAIL} steps ago", tint(QUIET, 0.8), font(10), anchor="rs")


def _draw_plane(draw: ImageDraw.ImageDraw, stage: Stage, world: tuple[int, int]) -> None:
    left, top, right, bottom = MARGIN, TOP, MARGIN + world[0], TOP + world[1]
    draw.rectangle((left, top, right, bottom), fill=GHOST, outline=FAINT)
    if stage.scale >= 8:
        for column in range(1, stage.scene.size[0]):
            draw.line((left + column * stage.scale, top, left + column * stage.scale, bottom), fill=FAINT)
        for row in range(1, stage.scene.size[1]):
            draw.line((left, top + row * stage.scale, right, top + row * stage.scale), fill=FAINT)


def _draw_legend(draw: ImageDraw.ImageDraw, stage: Stage) -> None:
    left, middle = MARGIN, stage.background.height - 17
    for picture, name in [(agent_sprite(15), "agent"), *((sprite(k.mark, 13), k.name) for k in stage.scene.layers)]:
        stage.background.paste(picture, (left, middle - picture.height // 2), picture)
        draw.text((left + 21, middle), name, QUIET, font(12), anchor="lm")
        left += 21 + int(draw.textlength(name, font(12))) + 22
