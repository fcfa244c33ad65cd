"""Chart elements that several pictures share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from koki2_envs.rendering.style import FONT, INK, QUIET, TICK_SIZE
from koki2_envs.rendering.text import literal

_LINE_GAP = 0.17  # inches between labels at the right edge
_FEW = 3  # points that make no line that would be seen


def markers(values: np.ndarray, *, only_changes: bool = False) -> dict[str, Any]:
    """The style of a line's markers: where it has few points, or where its value changes; none elsewhere."""
    known = np.flatnonzero(np.isfinite(values))
    if only_changes:
        known = known[np.concatenate([[True], np.diff(values[known]) != 0])[: known.size]]
    elif known.size > _FEW:
        return {}
    return {"marker": "o", "ms": 4.5, "markevery": known.tolist()}


def limit_to(ax: Any, lines: Sequence[np.ndarray], references: Mapping[str, float] | None) -> None:
    """Limits of fitness by lines and references alone: intervals of few runs are wide and would flatten the rest."""
    values = np.concatenate([*lines, np.asarray(list((references or {}).values()), np.float64)])
    values = values[np.isfinite(values)]
    if values.size:
        room = 0.06 * (np.ptp(values) or abs(values[0]) or 1.0)
        ax.set_ylim(values.min() - room, values.max() + room)


def draw_references(ax: Any, references: Mapping[str, float]) -> None:
    """Horizontal lines, labelled at the right edge; labels that would touch move apart."""
    values = {name: value for name, value in references.items() if np.isfinite(value)}
    for value in values.values():
        ax.axhline(value, color=QUIET, lw=1.0, ls=(0, (1, 2)), zorder=1)
    low, high = ax.get_ylim()
    ax.set_ylim(low, high)  # labels must not move what they label
    names = sorted(values, key=lambda name: values[name])
    gap = _LINE_GAP / (ax.get_position().height * ax.figure.get_figheight()) * (high - low)
    beside: dict[str, Any] = {"xycoords": ax.get_yaxis_transform(), "textcoords": ax.get_yaxis_transform()}
    for name, place in zip(names, _spread([values[name] for name in names], gap), strict=True):
        ax.annotate(
            literal(f"{name} {values[name]:.1f}"), (1.0, values[name]), xytext=(1.03, place), va="center",
            size=TICK_SIZE, color=INK, family=FONT, annotation_clip=False, **beside,
            arrowprops={"arrowstyle": "-", "color": QUIET, "lw": 0.6, "shrinkA": 1, "shrinkB": 0},
        )  # fmt: skip


def _spread(places: Sequence[float], gap: float) -> list[float]:
    """Ascending places, moved as little as needed to stand at least ``gap`` apart."""
    spread = list(places)
    for _ in range(100):  # neighbours push each other away by equal parts until all have room
        for i in range(len(spread) - 1):
            overlap = gap - (spread[i + 1] - spread[i])
            if overlap > 0:
                spread[i] -= overlap / 2
                spread[i + 1] += overlap / 2
    return spread
