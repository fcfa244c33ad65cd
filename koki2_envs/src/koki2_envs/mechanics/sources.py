"""Sources: things that lie in cells, are arrived at, go inactive and come back."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from koki2_envs.knobs import Knob, at, when_active

_COIN, _PLACE = 0, 1


class Sources(NamedTuple):
    """K sources.

    Attributes:
        pos: (K, 2) int32, cell (x, y).
        is_bad: (K,) bool.
        active: (K,) bool, whether it is there.
        respawn_t: (K,) int32, steps until an inactive one is back.
    """

    pos: jax.Array
    is_bad: jax.Array
    active: jax.Array
    respawn_t: jax.Array


def uniform_cells(unit: jax.Array, size: jax.Array) -> tuple[jax.Array, jax.Array]:
    """K uniform cells from 2·K numbers that are uniform in [0, 1).

    Random numbers are drawn as one flat row wherever many are needed: on a CPU that is more than twice as fast as
    drawing them in two dimensions.

    Returns:
        Cells (K, 2) int32, and where in its cell each point lies, (K, 2) float32 in [0, 1): independent of the cell.
    """
    point = unit.reshape(2, -1).T * size
    cell = jnp.minimum(point.astype(jnp.int32), size - 1)
    return cell, point - cell


def scatter(key: jax.Array, num_sources: int, num_bad: jax.Array | int, size: jax.Array) -> Sources:
    """Sources in uniform, independent cells, exactly ``num_bad`` of them bad, uniformly which."""
    pos, inside = uniform_cells(jax.random.uniform(key, (2 * num_sources,)), size)
    # Those with the lowest lots are bad. The lot is the sum modulo 1 of a source's two places inside its cell, which is
    # uniform and independent of the cell, so that it needs no draw of its own.
    lot = jnp.sum(inside, axis=1) % 1.0
    ahead = (lot[:, None] > lot[None, :]) | ((lot[:, None] == lot[None, :]) & _earlier(num_sources))
    return Sources(
        pos=pos,
        is_bad=jnp.sum(ahead, axis=1) < num_bad,
        active=jnp.ones(num_sources, bool),
        respawn_t=jnp.zeros(num_sources, jnp.int32),
    )


def contacts(sources: Sources, pos: jax.Array) -> jax.Array:
    """Which active sources lie in the cell ``pos``; (K,) bool."""
    return sources.active & (sources.pos[:, 0] == pos[0]) & (sources.pos[:, 1] == pos[1])


def deplete_and_respawn(
    key: jax.Array,
    sources: Sources,
    arrival: jax.Array,
    *,
    enabled: Knob,
    good_delay: Knob,
    bad_delay: Knob,
    bad_deplete_p: Knob,
    size: jax.Array,
    phi: jax.Array,
) -> Sources:
    """Arrived-at sources go inactive, timers count down, and sources whose time has come are back elsewhere.

    Args:
        key: of this step.
        sources: before.
        arrival: (K,) bool, sources arrived at in this step.
        enabled: whether sources deplete at all.
        good_delay: steps until a good source is back; 0 moves it within this step.
        bad_delay: the same for bad ones; negative takes ``good_delay``.
        bad_deplete_p: probability that a bad source depletes.
        size: (2,) int32, the world's width and height.
        phi: phase of this step.
    """

    def active() -> Sources:
        depletes = when_active(
            bad_deplete_p,
            1.0,
            lambda: (
                (jax.random.uniform(jax.random.fold_in(key, _COIN), arrival.shape) < at(bad_deplete_p, phi))
                | ~sources.is_bad
            ),
            lambda: jnp.ones_like(arrival),
        )
        gone = arrival & depletes
        good_steps, bad_steps = _steps(good_delay, phi), _steps(bad_delay, phi)
        bad_steps = jnp.where(bad_steps < 0, good_steps, bad_steps)
        timer = jnp.where(sources.active, 0, sources.respawn_t - 1)
        timer = jnp.where(gone, jnp.where(sources.is_bad, bad_steps, good_steps), timer)
        back = (gone | ~sources.active) & (timer <= 0)
        unit = jax.random.uniform(jax.random.fold_in(key, _PLACE), (sources.pos.size,))
        return Sources(
            pos=jnp.where(back[:, None], uniform_cells(unit, size)[0], sources.pos),
            is_bad=sources.is_bad,
            active=(sources.active & ~gone) | back,
            respawn_t=jnp.maximum(timer, 0),
        )

    return when_active(enabled, False, active, lambda: sources)


def _steps(delay: Knob, phi: jax.Array) -> jax.Array:
    return jnp.round(at(delay, phi)).astype(jnp.int32)


def _earlier(n: int) -> jax.Array:
    return jnp.tril(jnp.ones((n, n), bool), k=-1)
