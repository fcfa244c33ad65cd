"""Pictures of a life of an evolved (or reference) brain: the world, the body, and the neurons."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import jax
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from koki2_envs.life_record import LifeRecord
from koki2_envs.rendering import Panel, animate_life, draw_life, save_figure
from koki2_envs.rendering.style import FONT, INK, PAPER, QUIET, TICK_SIZE, dress
from koki2_train.brains import Brain
from koki2_train.rollout.lifetime import Trace, trace_life
from koki2_train.rollout.metrics import LifeSummary
from koki2_train.runtime.devices import device_jit

_SPIKE_HEIGHT = 1.5  # inches


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
    if png_path is not None:
        panels = [spike_panel(record.extra["spikes"][: record.num_lived])] if "spikes" in record.extra else []
        save_figure(draw_life(env, env_params, record, title=title, panels=panels), png_path)
    if gif_path is not None:
        animate_life(env, env_params, record, gif_path, fps=fps, title=title)
    return summary


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
