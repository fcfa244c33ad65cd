"""Readouts of a film: step counter, body, senses, action, return, and the latest event."""

from __future__ import annotations

import math

from PIL import ImageDraw

from koki2_envs.rendering.panels import common_limit
from koki2_envs.rendering.scene import Curve, Event
from koki2_envs.rendering.sprites import font
from koki2_envs.rendering.stage import ROW, SCALE_ROW, SIDEBAR, Stage
from koki2_envs.rendering.style import FAINT, GHOST, INK, QUIET, tint
from koki2_envs.rendering.text import fitted, literal

_LABEL, _NUMBER, _GAP = 96, 52, 8
_BAR = (SIDEBAR - _LABEL - _NUMBER) // 2 * 2
_BETWEEN = 12  # groups side by side

EVENT_STAYS = 8
"""Steps for which an event stays visible, ever fainter."""


def faded(event: Event, age: int) -> str:
    """The colour of an event that long ago."""
    return tint(event.mark.colour, 1.0 - 0.75 * age / EVENT_STAYS)


def draw_readouts(draw: ImageDraw.ImageDraw, stage: Stage, time: int) -> None:
    """Three groups, side by side under a strip and one below the other beside a plane."""
    scene, lived = stage.scene, stage.record.num_lived
    draw.text(stage.counter_at, f"step {time} / {stage.record.num_steps}", INK, font(15), anchor="rs")
    body, senses, doings = _groups(stage)
    _draw_scale(draw, body, ("0", "1"))
    for row, level in enumerate(scene.levels):
        value = float(level.values[time])
        _draw_bar(draw, (body[0], body[1] + ROW * row), level.name, f"{value:.2f}", (0, value), level.colour)
    if any(sense.signed for sense in scene.senses):
        _draw_scale(draw, senses, (f"−{stage.sense_limit:g}", "0", f"{stage.sense_limit:g}"))
    for row, sense in enumerate(scene.senses):
        sensed = float(sense.values[time]) if time < lived else None
        _draw_number(draw, (senses[0], senses[1] + ROW * row), sense, sensed, stage.sense_limit)
    # Under a strip the column of doings is too narrow for bars.
    group, rows = (body, len(scene.levels)) if scene.one_dimensional else (doings, 3)
    below = (group[0], group[1] + ROW * rows)
    for row, curve in enumerate(stage.readouts):
        shown = float(curve.values[time - 1]) if time else None
        _draw_number(draw, (below[0], below[1] + ROW * row), curve, shown, common_limit((curve,)))
    action = literal(stage.action_names[int(stage.record.actions[time - 1])]) if time else "–"
    for row, (name, text) in enumerate((("action", action), ("return", f"{stage.returns[time]:.1f}"))):
        draw.text((doings[0], doings[1] + ROW * row), name, QUIET, font(14))
        draw.text((doings[0] + 62, doings[1] + ROW * row), text, INK, font(14))
    where, events = (doings[0], doings[1] + 2 * ROW), recent_events(scene.events, time)
    if time == lived:
        # Beside a plane there is room for one short line only.
        room = stage.counter_at[0] - where[0]
        size = next((s for s in (14, 13, 12, 11) if draw.textlength(scene.ending.text, font(s, True)) <= room), 10)
        draw.text(where, scene.ending.text, INK, font(size, True))
    elif events:
        event, age = events[-1]
        draw.text(where, literal(event.name), faded(event, age), font(14, True))


def recent_events(events: tuple[Event, ...], time: int) -> list[tuple[Event, int]]:
    """What happened in the last steps, and how many steps ago, the latest last."""
    recent = [(time - int(t), i) for i, event in enumerate(events) for t in event.times if 0 <= time - t < EVENT_STAYS]
    return [(events[i], age) for age, i in sorted(recent, key=lambda each: (-each[0], each[1]))]


def _groups(stage: Stage) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """The upper left corners of body, senses and doings, below the scales of their bars."""
    x, y = stage.readings[0], stage.readings[1] + SCALE_ROW
    if stage.scene.one_dimensional:
        return (x, y), (x + SIDEBAR + _BETWEEN, y), (x + 2 * (SIDEBAR + _BETWEEN), y)
    below = y + ROW * len(stage.scene.levels) + _GAP + SCALE_ROW
    return (x, y), (x, below), (x, below + ROW * len(stage.scene.senses) + _GAP)


def _draw_scale(draw: ImageDraw.ImageDraw, group: tuple[int, int], ticks: tuple[str, ...]) -> None:
    """What the length of the bars below means, evenly from end to end."""
    left, bottom = group[0] + _LABEL, group[1] - 1
    for place, tick in enumerate(ticks):
        x = left + _BAR * place // (len(ticks) - 1)
        draw.text((x, bottom - 2), tick, QUIET, font(11), anchor="ms")
        draw.line((x, bottom, x, bottom + 2), fill=QUIET)


def _draw_number(
    draw: ImageDraw.ImageDraw, where: tuple[int, int], curve: Curve, value: float | None, limit: float
) -> None:
    """A bar for a number of at most ``limit``, from the middle where it has both signs; a dash where there is none."""
    zero = 0.5 if curve.signed else 0.0
    share = (zero, zero + (1.0 - zero) * (value or 0.0) / limit)
    number = "–" if value is None else f"{value:{'+' if curve.signed else ''}.2f}".replace("-", "−") if value else "0"
    _draw_bar(draw, where, curve.name.partition(" (")[0], number, share, curve.colour)


def _draw_bar(
    draw: ImageDraw.ImageDraw, where: tuple[int, int], name: str, number: str, share: tuple[float, float], colour: str
) -> None:
    """A bar filled between two shares of its length."""
    x, y = where
    left = x + _LABEL
    size = next((s for s in (14, 13, 12, 11) if draw.textlength(name, font(s)) < _LABEL - 6), 11)
    label = fitted(name, lambda text: bool(draw.textlength(text, font(size)) < _LABEL - 6))
    draw.text((x, y), label, QUIET, font(size))
    draw.rectangle((left, y + 2, left + _BAR, y + 13), fill=GHOST, outline=FAINT)
    # NaN has no length.
    begin, end = sorted(left + round(min(max(s, 0.0), 1.0) * _BAR) if math.isfinite(s) else left for s in share)
    if begin == end and share[0] > 0:
        draw.line((begin, y + 2, begin, y + 13), fill=QUIET)
    elif begin < end:
        draw.rectangle((begin, y + 2, end, y + 13), fill=colour)
    draw.text((left + _BAR + 8, y), number, INK, font(14))
