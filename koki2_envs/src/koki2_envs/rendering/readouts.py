"""Readouts of a film: step counter, body, senses, action, return, and the latest event."""

from __future__ import annotations

from PIL import ImageDraw

from koki2_envs.rendering.scene import Event
from koki2_envs.rendering.sprites import font
from koki2_envs.rendering.stage import ROW, SIDEBAR, Stage
from koki2_envs.rendering.style import FAINT, GHOST, INK, QUIET

_LABEL, _NUMBER, _GAP = 78, 50, 8
_BAR = (SIDEBAR - _LABEL - _NUMBER) // 2 * 2
_EVENT_STAYS = 5  # steps for which an event stays written


def draw_readouts(draw: ImageDraw.ImageDraw, stage: Stage, time: int) -> None:
    """Three groups, side by side under a strip and one below the other beside a plane."""
    scene, lived = stage.scene, stage.record.num_lived
    draw.text(stage.counter_at, f"step {time} / {stage.record.num_steps}", INK, font(15), anchor="rs")
    body, senses, doings = _groups(stage)
    for row, level in enumerate(scene.levels):
        value = float(level.values[time])
        _draw_bar(draw, (body[0], body[1] + ROW * row), level.name, f"{value:.2f}", (0, value), level.colour)
    for row, sense in enumerate(scene.senses):
        value = float(sense.values[time]) if time < lived else 0.0
        zero = 0.5 if sense.signed else 0.0
        share = (zero, zero + (1.0 - zero) * value / stage.sense_limit)
        number = (
            f"{value:{'+' if sense.signed else ''}.2f}".replace("-", "−") if value else "0" if time < lived else "–"
        )
        short = sense.name.partition(" (")[0]
        _draw_bar(draw, (senses[0], senses[1] + ROW * row), short, number, share, sense.colour)
    action = stage.action_names[int(stage.record.actions[time - 1])] if time else "–"
    for row, (name, text) in enumerate((("action", action), ("return", f"{stage.returns[time]:.1f}"))):
        draw.text((doings[0], doings[1] + ROW * row), name, QUIET, font(13))
        draw.text((doings[0] + _LABEL, doings[1] + ROW * row), text, INK, font(13))
    where, event = (doings[0], doings[1] + 2 * ROW), _latest(scene.events, time)
    if time == lived:
        # Beside a plane there is room for one short line only.
        room = stage.counter_at[0] - where[0]
        size = next((s for s in (13, 12, 11, 10) if draw.textlength(scene.ending.text, font(s, True)) <= room), 9)
        draw.text(where, scene.ending.text, INK, font(size, True))
    elif event is not None:
        draw.text(where, event.name, event.mark.colour, font(13, True))


def _groups(stage: Stage) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """The upper left corners of body, senses and doings."""
    x, y = stage.readings
    if stage.scene.one_dimensional:
        return (x, y), (x + SIDEBAR + 20, y), (x + 2 * (SIDEBAR + 20), y)
    below = y + ROW * len(stage.scene.levels) + _GAP
    return (x, y), (x, below), (x, below + ROW * len(stage.scene.senses) + _GAP)


def _draw_bar(
    draw: ImageDraw.ImageDraw, where: tuple[int, int], name: str, number: str, share: tuple[float, float], colour: str
) -> None:
    """A bar filled between two shares of its length."""
    x, y = where
    left = x + _LABEL
    draw.text((x, y), name, QUIET, font(13))
    draw.rectangle((left, y + 2, left + _BAR, y + 13), fill=GHOST, outline=FAINT)
    begin, end = sorted(left + round(min(max(s, 0.0), 1.0) * _BAR) for s in share)
    if begin == end and share[0] > 0:
        draw.line((begin, y + 2, begin, y + 13), fill=QUIET)
    elif begin < end:
        draw.rectangle((begin, y + 2, end, y + 13), fill=colour)
    draw.text((left + _BAR + 8, y), number, INK, font(13))


def _latest(events: tuple[Event, ...], time: int) -> Event | None:
    """What happened last, if that is not long ago."""
    recent = [(int(t), i) for i, event in enumerate(events) for t in event.times if 0 <= time - t < _EVENT_STAYS]
    return events[max(recent)[1]] if recent else None
