"""Pictures of a life of an evolved (or reference) brain: the world, the body, and the neurons."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import jax
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from koki2_envs.life_record import LifeRecord
from koki2_envs.rendering import Curve, Panel, animate_life, draw_life, save_figure
from koki2_envs.rendering.panels import common_limit
from koki2_envs.rendering.style import BLUE, FONT, GREEN, INK, PAPER, QUIET, TICK_SIZE, VERMILLION, dress
from koki2_train.brains import Brain
from koki2_train.rollout.lifetime import Trace, trace_life
from koki2_train.rollout.metrics import LifeSummary
from koki2_train.runtime.devices import device_jit

_SPIKE_HEIGHT, _LEARNING_HEIGHT = 1.5, 0.8  # inches


def record_life(
    env: Any, env_params: Any, brain: Brain, weights: Any, key: jax.Array, *, num_steps: int | None = None
) -> tuple[LifeSummary, LifeRecord]:
    """Lives one life and records it step by step: the one that :func:`koki2_train.rollout.lifetime.rollout_life` lives.

    Args:
        env: a world.
        env_params: its knobs, concrete.
        brain: what acts.
        weights: what the brain developed from a genome.
        key: the life's random key.
        num_steps: length of the life; ``env_params.max_steps_in_episode`` where None.

    Returns:
        The summary, and the record; ``record.extra`` holds what the brain records of itself, such as ``spikes`` (T, N).
    """
    steps = int(env_params.max_steps_in_episode) if num_steps is None else num_steps
    idle = env_params.idle_knobs()
    summary, trace = jax.device_get(_trace(env, env_params, idle, brain, weights, key, steps))
    return summary, _record_of(trace)


def choose_life(fitness: np.ndarray, which: str) -> int:
    """The number of a life by its fitness among others, the lowest one of equals.

    Args:
        fitness: (L,) float; a life without a finite fitness counts as worse than any other.
        which: ``worst``, ``best`` or ``median``; of an even number of lives the median is the lower one of two.
    """
    ranked = np.where(np.isfinite(fitness), fitness, -np.inf)
    place = {"worst": 0, "median": (ranked.size - 1) // 2, "best": ranked.size - 1}[which]
    return int(np.flatnonzero(ranked == np.sort(ranked)[place])[0])


def write_life(
    env: Any,
    env_params: Any,
    brain: Brain,
    weights: Any,
    key: jax.Array,
    *,
    num_steps: int | None = None,
    png_path: str | os.PathLike[str] | None = None,
    gif_path: str | os.PathLike[str] | None = None,
    title: str | None = None,
    fps: float = 12.5,
) -> LifeSummary:
    """Lives one life and writes it as a still picture, a film, or both.

    Args:
        env: a world.
        env_params: its knobs, concrete.
        brain: what acts.
        weights: what the brain developed from a genome.
        key: the life's random key.
        num_steps: as for :func:`record_life`.
        png_path: where the still goes, if anywhere.
        gif_path: where the film goes, if anywhere.
        title: as for :func:`koki2_envs.rendering.draw_life`.
        fps: frames per second of the film.

    Returns:
        The life's summary.

    Raises:
        ValueError: neither path is given, or ``fps`` is out of range.
        NotImplementedError: the world has no picture.
        OSError: a file cannot be written.
    """
    if png_path is None and gif_path is None:
        raise ValueError("write_life needs png_path, gif_path, or both")
    summary, record = record_life(env, env_params, brain, weights, key, num_steps=num_steps)
    shown = {name: np.asarray(rows)[: record.num_lived] for name, rows in record.extra.items()}
    learns = shown.keys() >= {"modulator", "distance_from_birth"}
    if png_path is not None:
        panels = [learning_panel(shown["modulator"], shown["distance_from_birth"])] if learns else []
        panels += [spike_panel(shown["spikes"])] if "spikes" in shown else []
        save_figure(draw_life(env, env_params, record, title=title, panels=panels), png_path)
    if gif_path is not None:
        readouts = _learning_curves(shown["modulator"], shown["distance_from_birth"]) if learns else ()
        animate_life(env, env_params, record, gif_path, fps=fps, title=title, readouts=readouts)
    return summary


def learning_panel(modulator: np.ndarray, distance: np.ndarray) -> Panel:
    """Learning over time: the modulator of each step as a bar, and how far weights are from birth as a line.

    Args:
        modulator: (n,) float.
        distance: (n,) float, the mean over plastic synapses; its axis is at the right.
    """
    lived = modulator.size

    def draw(ax: Any) -> None:
        edges = np.arange(lived + 1)
        for values, colour in ((np.maximum(modulator, 0), GREEN), (np.minimum(modulator, 0), VERMILLION)):
            ax.stairs(values, edges, fill=True, color=colour, linewidth=0, zorder=3)
        ax.axhline(0, color=QUIET, linewidth=0.8, zorder=2)
        end = 1.0 if np.abs(modulator).max(initial=0.0) <= 1.0 else 2.0  # a surprise can be twice a modulator
        ax.set_ylim(-1.08 * end, 1.08 * end)
        ax.set_yticks([-end, 0, end], [f"−{end:g}", "0", f"{end:g}"])
        ax.set_ylabel("modulator")
        far = ax.twinx()
        dress(far)
        far.spines["right"].set(visible=True, color=BLUE, linewidth=0.8)
        far.tick_params(color=BLUE, labelcolor=BLUE)
        far.plot(edges[1:], distance, color=BLUE, linewidth=1.8, zorder=4)
        limit = common_limit((Curve("distance", distance),))
        far.set_ylim(0, 1.08 * limit)
        far.set_yticks([0, limit], ["0", f"{limit:g}"])
        style: dict[str, Any] = {"va": "top", "size": TICK_SIZE, "color": BLUE, "family": FONT}
        ax.text(
            1.14, 1.0, "line: weights'\nmean distance\nfrom birth", transform=ax.transAxes, linespacing=1.4, **style
        )

    return Panel(draw, _LEARNING_HEIGHT)


def _learning_curves(modulator: np.ndarray, distance: np.ndarray) -> tuple[Curve, Curve]:
    """What a film shows of learning; bars of modulators point both ways."""
    return Curve("modulator", modulator), Curve("learned", distance, BLUE, signed=False)


def spike_panel(spikes: np.ndarray) -> Panel:
    """A raster of spikes (n, N), one row a neuron, with the firing rate of each at the right."""
    lived, neurons = spikes.shape
    rates = spikes.mean(axis=0)

    def draw(ax: Any) -> None:
        room = ax.get_window_extent()
        crowded = lived > room.width or neurons > room.height  # several to a pixel, which shows their mean
        colours = LinearSegmentedColormap.from_list("koki2_spikes", [PAPER, INK])
        extent = (0, lived, neurons - 0.5, -0.5)
        ax.imshow(
            (spikes.T > 0).astype(float), cmap=colours, vmin=0, vmax=1, aspect="auto", extent=extent,
            interpolation="antialiased" if crowded else "nearest",
        )  # fmt: skip
        ax.set_ylim(neurons - 0.5, -0.5)
        ax.set_yticks(sorted({0, neurons // 2, neurons - 1}))
        ax.set_ylabel("neuron index")
        beside = ax.inset_axes((1.035, 0.0, 0.13, 1.0))
        dress(beside)
        edges = np.arange(neurons + 1) - 0.5
        beside.stairs(rates, edges, orientation="horizontal", fill=True, color=QUIET, linewidth=0)
        beside.set(xlim=(0, 1), ylim=(neurons - 0.5, -0.5), xticks=[0, 1], yticks=[], xlabel="firing rate (1/step)")
        beside.xaxis.label.set_size(TICK_SIZE)
        style: dict[str, Any] = {"va": "top", "size": TICK_SIZE, "color": QUIET, "family": FONT}
        text = f"mean rate\n{rates.mean():.2f};\n{int((rates == 0).sum())} of {neurons}\nsilent"
        ax.text(1.19, 1.0, text, transform=ax.transAxes, linespacing=1.4, **style)

    return Panel(draw, _SPIKE_HEIGHT)


@partial(device_jit, static_argnames=("env", "constants", "brain", "num_steps"))
def _trace(
    env: Any,
    env_params: Any,
    constants: tuple[tuple[str, float], ...],
    brain: Brain,
    weights: Any,
    key: jax.Array,
    num_steps: int,
) -> tuple[LifeSummary, Trace]:
    return trace_life(env, env_params.with_constants(constants), brain, weights, key, num_steps=num_steps)


def _record_of(trace: Any) -> LifeRecord:
    return LifeRecord(
        states=jax.tree.map(lambda rows, last: np.concatenate([rows, last[None]]), trace.state, trace.final_state),
        observations=trace.observation,
        actions=trace.action,
        rewards=trace.reward,
        alive=trace.alive,
        info=trace.info,
        extra=dict(trace.recordings),
    )
