"""Learning curves: what a run, or several seeds of it, achieved generation by generation."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from koki2_envs.rendering import save_figure
from koki2_envs.rendering.style import (
    BLUE,
    FONT,
    GREEN,
    INK,
    LABEL_SIZE,
    QUIET,
    VERMILLION,
    Key,
    dress,
    heading,
    house_style,
    legend,
    new_figure,
    tint,
)
from koki2_train.evaluation.statistics import interval
from koki2_train.reporting.charts import draw_references, limit_to, markers
from koki2_train.reporting.curves import Curves, Row
from koki2_train.runs.curve_rows import read_curve_rows
from koki2_train.runs.directory import RunDirectory

# Inches; 900 × 600 pixels. Small, so that type stays readable where the picture is shown at half its width.
_WIDTH, _HEIGHT, _DPI = 7.5, 5.0, 120
_LEFT, _RIGHT, _TOP, _BOTTOM, _GAP = 0.85, 1.25, 1.3, 0.55, 0.18
_PASS_RATE_SHARE = 0.28

_CHAMPION, _TRAINING = BLUE, VERMILLION


def learning_curve(rows: Sequence[Row], *, references: Mapping[str, float] | None = None, title: str = "") -> Figure:
    """One run: the champion's validation score, mean and best of the population, and the pass rate where any failed.

    Args:
        rows: the lines of ``generations.jsonl``.
        references: mean fitness of reference policies by name, drawn as labelled horizontal lines.
        title: heading.

    Returns:
        A matplotlib figure of 900 × 600 pixels, not registered with pyplot.

    Raises:
        ValueError: there are no rows.
    """
    curves = Curves.of(rows)
    with house_style():
        figure, fitness, below = _figure(curves.pass_rate)
        champion = {"color": _CHAMPION, "lw": 2.4, "drawstyle": "steps-post", "zorder": 6}
        lines: list[tuple[str, np.ndarray, dict[str, Any]]] = [
            ("champion (validation)", curves.champion, champion),
            ("population mean (training)", curves.mean, {"color": _TRAINING, "lw": 1.2, "zorder": 5}),
            ("population best (training)", curves.best, {"color": tint(_TRAINING, 0.5), "lw": 0.8, "zorder": 3}),
        ]
        keys: list[Key] = []
        for name, values, style in lines:
            if np.isfinite(values).any():
                style |= markers(values, only_changes=values is curves.champion)
                fitness.plot(curves.generation, values, **style)
                keys.append((Line2D([], [], **{**style, "drawstyle": "default", "markevery": None}), name))
        keys += _mark_non_finite(fitness, curves)
        limit_to(fitness, [values for _, values, _ in lines], references)
        if below is not None:
            style = {"color": GREEN, "lw": 1.4, **markers(curves.pass_rate)}
            below.plot(curves.generation, 100 * curves.pass_rate, **style)
        _finish(figure, fitness, below, [curves], keys, references, title or "Learning curve")
    return figure


def learning_curves(
    runs: Mapping[str, Sequence[Row]], *, references: Mapping[str, float] | None = None, title: str = ""
) -> Figure:
    """Several runs, such as seeds: a thin line each, their mean, and its 95 % t interval over runs.

    Mean and interval end with the shortest run, so that they are about the same runs throughout.

    Args:
        runs: the lines of each run's ``generations.jsonl``, by the run's name.
        references: as for :func:`learning_curve`.
        title: heading.

    Raises:
        ValueError: there are no runs, or a run has no rows; the message names it.
    """
    if not runs:
        raise ValueError("learning curves need at least one run")
    every = []
    for name, rows in runs.items():
        try:
            every.append(Curves.of(rows))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    with house_style():
        figure, fitness, below = _figure(np.concatenate([curves.pass_rate for curves in every]))
        keys = _draw_group(fitness, every, "champion", _CHAMPION, "champion (validation)", steps=True)
        keys += _draw_group(fitness, every, "mean", _TRAINING, "population mean (training)")
        keys.append((Line2D([], [], color=QUIET, lw=0.8), "single runs"))
        if len(every) > 1:
            keys.append((Patch(facecolor=tint(QUIET, 0.3), lw=0), "95 % interval of the mean over runs"))
        limit_to(fitness, [values for run in every for values in (run.champion, run.mean)], references)
        if below is not None:
            _draw_group(below, every, "pass_rate", GREEN, "pass rate", scale=100.0)
        _finish(figure, fitness, below, every, keys, references, title or f"Learning curves of {len(every)} runs")
    return figure


def write_learning_curve(
    run: RunDirectory | str | os.PathLike[str],
    *,
    references: Mapping[str, float] | None = None,
    title: str = "",
    path: str | os.PathLike[str] | None = None,
) -> Path:
    """Writes a run's learning curve into its directory.

    Args:
        run: the run.
        references: as for :func:`learning_curve`.
        title: heading; the directory's name where empty.
        path: where to write instead of ``learning_curve.png`` in the run's directory.

    Returns:
        The path that was written.

    Raises:
        RunError: the run has no generations yet.
        OSError: the file cannot be written.
    """
    run = run if isinstance(run, RunDirectory) else RunDirectory(Path(run))
    figure = learning_curve(read_curve_rows(run), references=references, title=title or run.path.resolve().name)
    return save_figure(figure, path or run.path / "learning_curve.png")


def write_learning_curves(
    runs: Sequence[RunDirectory | str | os.PathLike[str]],
    path: str | os.PathLike[str],
    *,
    references: Mapping[str, float] | None = None,
    title: str = "",
) -> Path:
    """Writes the learning curves of several runs into one picture at ``path``.

    Raises:
        RunError: a run has no generations yet.
        OSError: the file cannot be written.
    """
    directories = [run if isinstance(run, RunDirectory) else RunDirectory(Path(run)) for run in runs]
    rows = {str(run): read_curve_rows(run) for run in directories}
    return save_figure(learning_curves(rows, references=references, title=title), path)


def _figure(pass_rate: np.ndarray) -> tuple[Figure, Any, Any | None]:
    """The figure, the axes of fitness, and those of the pass rate where any genome failed."""
    figure = new_figure(_WIDTH, _HEIGHT, _DPI)
    filtered = bool((pass_rate < 1.0).any())
    room = _HEIGHT - _TOP - _BOTTOM
    lower = _PASS_RATE_SHARE * room if filtered else 0.0
    upper = room - lower - (_GAP if filtered else 0.0)

    def axes(bottom: float, height: float) -> Any:
        box = (_LEFT / _WIDTH, bottom / _HEIGHT, (_WIDTH - _LEFT - _RIGHT) / _WIDTH, height / _HEIGHT)
        ax = figure.add_axes(box)
        dress(ax)
        return ax

    fitness = axes(_HEIGHT - _TOP - upper, upper)
    if not filtered:
        return figure, fitness, None
    below = axes(_BOTTOM, lower)
    fitness.tick_params(labelbottom=False)
    # From the next lower of these on, so that few failures are seen too.
    worst = 100 * float(np.nanmin(pass_rate))
    low = next(low for low in (90, 50, 0) if low <= worst)
    below.set_ylim(low - 0.04 * (100 - low), 100 + 0.04 * (100 - low))
    below.set_yticks([low, (100 + low) // 2, 100])
    below.set_ylabel("viable\ngenomes (%)")
    return figure, fitness, below


def _draw_group(
    ax: Any, runs: Sequence[Curves], field: str, colour: str, label: str, *, scale: float = 1.0, steps: bool = False
) -> list[Key]:
    """One quantity of all runs: a thin line each, their mean and its interval; returns the legend's keys."""
    style = {"drawstyle": "steps-post"} if steps else {}
    for run in runs:
        values = scale * getattr(run, field)
        look = {"color": tint(colour, 0.5), "lw": 0.8, **style, **markers(values)}
        ax.plot(run.generation, values, zorder=3, **look)
    shared = np.asarray(sorted(set.intersection(*(set(run.generation) for run in runs))))
    if len(runs) > 1 and shared.size:
        rows = [scale * getattr(run, field)[np.isin(run.generation, shared)] for run in runs]
        values = np.stack(rows)
        with np.errstate(invalid="ignore"):
            mean = values.mean(axis=0)
        bounds = [interval(list(column)) if np.isfinite(column).all() else (np.nan, np.nan) for column in values.T]
        low, high = np.asarray(bounds, np.float64).T
        step = "post" if steps else None
        ax.fill_between(shared, low, high, color=colour, alpha=0.18, lw=0, step=step, zorder=2)
        ax.plot(shared, mean, color=colour, lw=2.2, zorder=5, **style, **markers(mean))
    return [(Line2D([], [], color=colour, lw=2.2), label)]


def _mark_non_finite(ax: Any, curves: Curves) -> list[Key]:
    """Crosses on the lower edge where genomes came out NaN or infinite."""
    where = curves.generation[curves.non_finite > 0]
    if not where.size:
        return []
    style: dict[str, Any] = {"marker": "x", "ms": 5, "mec": INK, "mew": 1.3, "lw": 0}
    ax.plot(where, np.full(where.shape, 0.0), transform=ax.get_xaxis_transform(), clip_on=False, zorder=8, **style)
    return [(Line2D([], [], **style), "non-finite fitness")]


def _finish(
    figure: Figure,
    fitness: Any,
    below: Any | None,
    runs: Sequence[Curves],
    keys: list[Key],
    references: Mapping[str, float] | None,
    title: str,
) -> None:
    """Axes, reference lines, legend and headings that one run and several have in common."""
    first, last = min(c.generation[0] for c in runs), max(c.generation[-1] for c in runs)
    for ax in (fitness, below) if below is not None else (fitness,):
        room = 0.012 * (last - first) or 0.5  # for the markers at both ends
        ax.set_xlim(first - room, last + room)
        ax.xaxis.get_major_locator().set_params(integer=True)
        if last == first:
            ax.set_xticks([first])
        ax.grid(axis="y", color=tint(QUIET, 0.2), lw=0.6)
        ax.set_axisbelow(True)
    (fitness if below is None else below).set_xlabel("generation")
    fitness.set_ylabel("mean fitness (return per life)")
    if not any(np.isfinite(run.mean).any() or np.isfinite(run.champion).any() for run in runs):
        style: dict[str, Any] = {"ha": "center", "va": "center", "size": LABEL_SIZE, "color": QUIET, "family": FONT}
        fitness.text(0.5, 0.5, "no finite fitness", transform=fitness.transAxes, **style)
    draw_references(fitness, references or {})
    legend(fitness, keys, loc="lower left", bbox_to_anchor=(0.0, 1.025), ncols=2, columnspacing=1.5)
    heading(figure, title, _facts(runs), left=_LEFT, top=0.2)


def _facts(runs: Sequence[Curves]) -> str:
    """How much was done, in one line."""
    longest = max(run.generation.size for run in runs)
    facts = [f"{len(runs)} runs"] * (len(runs) > 1) + [f"{longest} generation{'s' * (longest > 1)}"]
    totals = {"env steps": [run.env_steps for run in runs], "s": [run.seconds for run in runs]}
    for unit, columns in totals.items():
        total = sum(_last(column) for column in columns)
        if np.isfinite(total):
            facts.append(f"{_short(total)} {unit}")
    return " · ".join(facts)


def _last(values: np.ndarray) -> float:
    return float(np.nanmax(values)) if np.isfinite(values).any() else float("nan")


def _short(number: float) -> str:
    """A number in at most four figures: 950, 26.2 M."""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if number >= size:
            return f"{number / (1e3 if letter == ' k' else size):.3g}{letter}"
    return f"{number:.3g}" if number < 100 else f"{number:.0f}"
