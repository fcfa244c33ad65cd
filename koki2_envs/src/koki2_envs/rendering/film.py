"""One life as a GIF, a frame a step, drawn with Pillow."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
from PIL import Image, ImageDraw

from koki2_envs.files import write_atomically
from koki2_envs.life_record import LifeRecord
from koki2_envs.rendering.readouts import draw_readouts, faded, recent_events
from koki2_envs.rendering.scene import Curve, Layer, scene_of
from koki2_envs.rendering.sprites import agent_sprite, sprite
from koki2_envs.rendering.stage import STRIP, TRAIL, TRAIL_GAP, TRAIL_ROW, Stage, set_stage
from koki2_envs.rendering.still import default_title
from koki2_envs.rendering.style import INK, QUIET, tint

_LAST_FRAME_MS = 2500
_GIF_TICK_MS = 10


def animate_life(
    env: Any,
    params: Any,
    record: LifeRecord,
    path: str | os.PathLike[str],
    *,
    fps: float = 12.5,
    title: str | None = None,
    readouts: Sequence[Curve] = (),
) -> Path:
    """Writes one life as an endless GIF: a frame for birth, one for every lived step.

    Args:
        env: the world the life was lived in.
        params: its knobs.
        record: the life.
        path: where to write; its folder must exist.
        fps: frames per second, above 0 and at most 50; GIF rounds a frame to 1/100 s.
        title: as for :func:`koki2_envs.rendering.draw_life`.
        readouts: further numbers over the n lived steps, each shown as a bar with a scale of its own.

    Returns:
        ``path``.

    Raises:
        NotImplementedError: the world has no picture (see :data:`koki2_envs.rendering.scene_of`).
        ValueError: ``fps`` out of range, or the record is not of this world.
        OSError: the file cannot be written; no partial file remains.
    """
    record = jax.device_get(record)
    if not 0 < fps <= 50:
        raise ValueError(f"fps must be above 0 and at most 50, got {fps}")
    shown = default_title(env, params) if title is None else title
    stage = set_stage(env, scene_of(env, params, record), record, shown, tuple(readouts))
    frames = _frames(stage)
    tick = round(1000 / fps / _GIF_TICK_MS) * _GIF_TICK_MS
    durations = [tick] * record.num_lived + [_LAST_FRAME_MS]
    buffer = io.BytesIO()
    next(frames).save(buffer, "GIF", save_all=True, append_images=frames, duration=durations, loop=0, optimize=False)
    return write_atomically(path, buffer.getvalue())


def _frames(stage: Stage) -> Iterator[Image.Image]:
    scene = stage.scene
    for time in range(len(scene.path)):
        picture = stage.background.copy()
        draw = ImageDraw.Draw(picture)
        _draw_trail(picture, draw, stage, time)
        _draw_reach(picture, stage, time)
        for layer in scene.layers:
            _draw_layer(picture, draw, stage, layer, time)
        _draw_events(draw, stage, time)
        dead = scene.ending.fatal and time == stage.record.num_lived
        _stamp(picture, agent_sprite(stage.agent, dead), stage.pixel(scene.path[time]))
        draw_readouts(draw, stage, time)
        yield picture.quantize(palette=stage.palette, dither=Image.Dither.NONE)


def _draw_layer(picture: Image.Image, draw: ImageDraw.ImageDraw, stage: Stage, layer: Layer, time: int) -> None:
    half = math.ceil(stage.scale / 2)
    shown = stage.window.holds(layer.pos[time])
    for cell, present in zip(layer.pos[time][shown], layer.present[time][shown], strict=True):
        x, y = stage.pixel(cell)
        if layer.mark.shape != "block":
            _stamp(picture, sprite(layer.mark, stage.mark, hollow=not present), (x, y))
        elif present:
            up = STRIP // 2 if stage.scene.one_dimensional else half
            draw.rectangle((x - half, y - up, x + half - 1, y + up - 1), fill=layer.mark.colour)


def _draw_events(draw: ImageDraw.ImageDraw, stage: Stage, time: int) -> None:
    """A ring about the cell of every recent event, ever wider and fainter."""
    for event, age in recent_events(stage.scene.events, time):
        x, y = stage.pixel(stage.scene.path[time - age])
        radius = stage.mark // 2 + 2 + age
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=faded(event, age), width=3)


def _draw_reach(picture: Image.Image, stage: Stage, time: int) -> None:
    """The border of what the gradients reach, a circle or, on a strip, a window; none while they reach everything."""
    reach = 0.0 if stage.scene.reach is None else float(stage.scene.reach[time])
    if reach <= 0:
        return
    # Drawn on the world by itself, so that nothing of it is seen outside.
    world = picture.crop(stage.world)
    (x, y), (left, top) = stage.pixel(stage.scene.path[time]), stage.world[:2]
    if stage.scene.one_dimensional:
        aside = round((reach + 0.5) * stage.scale)
        window = (x - left - aside, 1, x - left + aside, world.height - 2)
        ImageDraw.Draw(world).rectangle(window, outline=QUIET)
    else:
        aside = round(reach * stage.scale)
        circle = (x - left - aside, y - top - aside, x - left + aside, y - top + aside)
        ImageDraw.Draw(world).ellipse(circle, outline=QUIET)
    picture.paste(world, stage.world[:2])


def _draw_trail(picture: Image.Image, draw: ImageDraw.ImageDraw, stage: Stage, time: int) -> None:
    """The last steps, fading: under a strip as a plot that runs downwards, in a plane where they were walked."""
    scene, top = stage.scene, stage.origin[1] + STRIP + TRAIL_GAP
    for age in range(min(time, TRAIL) - 1, -1, -1):
        ends = [stage.pixel(scene.path[time - age - back]) for back in (0, 1)]
        if scene.one_dimensional:
            ends = [(x, top + TRAIL_ROW * (age + back)) for back, (x, _) in enumerate(ends)]
        draw.line(ends, fill=tint(INK, 0.9 - 0.75 * age / TRAIL), width=3)
    if scene.one_dimensional:
        for event in scene.events:
            for when in event.times[(event.times <= time) & (event.times > time - TRAIL)]:
                x, _ = stage.pixel(scene.path[when])
                _stamp(picture, sprite(event.mark, 9), (x, top + TRAIL_ROW * (time - int(when))))


def _stamp(picture: Image.Image, mark: Image.Image, middle: tuple[int, int]) -> None:
    picture.paste(mark, (middle[0] - mark.width // 2, middle[1] - mark.height // 2), mark)
