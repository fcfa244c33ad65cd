"""Sources: things in cells that agents arrive at, that deplete and come back."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from koki2_envs.knobs import Knob, value_at, when_active
from koki2_envs.mechanics.rng import Feature, Rng
from koki2_envs.mechanics.rows import pairs


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

    def part(self, which: slice) -> Sources:
        """Some of them."""
        return Sources(*(field[which] for field in self))


def source_fields(sources: Sources) -> dict[str, jax.Array]:
    """Sources as variables of a world's state, by name."""
    return {f"source_{name}": value for name, value in sources._asdict().items()}


def together(*groups: Sources) -> Sources:
    """Groups of sources, one after the other."""
    return Sources(*(jnp.concatenate(fields) for fields in zip(*groups, strict=True)))


Cells = Callable[[jax.Array], tuple[jax.Array, jax.Array]]
"""Turns uniform bits (n,) uint32 into cells (n, 2) int32 and the randomness that is left, (n,) uint32."""


def uniform_cells(bits: jax.Array, size: jax.Array | tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
    """Uniform cells, each from 32 random bits.

    Args:
        bits: (n,) uint32.
        size: width and height of the world, both below 2¹⁶: (2,) int32, or one pair for each cell, two of (n,).

    Returns:
        Cells (n, 2) int32, each with the same probability up to a share of width·height/2³², and the randomness that
        is left, (n,) uint32, which is independent of the cell.
    """
    width, height = size[0].astype(jnp.uint32), size[1].astype(jnp.uint32)
    x, bits = divided(bits, width)
    y, bits = divided(bits, height)
    return pairs(x.astype(jnp.int32), y.astype(jnp.int32)), bits


def divided(bits: jax.Array, n: jax.Array) -> tuple[jax.Array, jax.Array]:
    """floor(u·n) for the fraction u = bits/2³², and the fraction that is left, u·n − floor(u·n), as bits again."""
    high, low = bits >> 16, bits & 0xFFFF
    return (high * n + (low * n >> 16)) >> 16, bits * n


def scatter(rng: Rng, num_sources: int, num_bad: jax.Array | int, cells: Cells) -> Sources:
    """Sources in independent cells, exactly ``num_bad`` of them bad, uniformly which."""
    # Those with the lowest lots are bad. The lot is the randomness that the cell left over.
    pos, lot = cells(rng.bits(num_sources))
    ahead = (lot[:, None] > lot[None, :]) | ((lot[:, None] == lot[None, :]) & _earlier(num_sources))
    return Sources(
        pos=pos,
        is_bad=jnp.sum(ahead, axis=1, dtype=jnp.int32) < num_bad,
        active=jnp.ones(num_sources, bool),
        respawn_t=jnp.zeros(num_sources, jnp.int32),
    )


def touching(sources: Sources, pos: jax.Array) -> jax.Array:
    """Which active sources lie in the cell ``pos`` (2,) int32; (K,) bool."""
    return sources.active & (sources.pos[:, 0] == pos[0]) & (sources.pos[:, 1] == pos[1])


def count(which: jax.Array) -> jax.Array:
    """How many of some sources (K,) bool are meant; () float32."""
    return jnp.sum(which, dtype=jnp.int32).astype(jnp.float32)


class Contacts(NamedTuple):
    """Contacts of an agent with sources after a step.

    Attributes:
        pos: (2,) int32, the agent's cell after the step.
        touching: (K,) bool, active sources in that cell.
        arrived: (K,) bool, those of them that it did not touch before the step.
    """

    pos: jax.Array
    touching: jax.Array
    arrived: jax.Array


def contacts_of_step(sources: Sources, before: jax.Array, pos: jax.Array) -> Contacts:
    """The contacts of a step from the cell ``before`` to ``pos``, each (2,) int32."""
    now = touching(sources, pos)
    return Contacts(pos, now, now & ~touching(sources, before))


def deplete_and_respawn(
    key: jax.Array,
    sources: Sources,
    arrival: jax.Array,
    *,
    enabled: Knob,
    good_delay: Knob,
    bad_delay: Knob,
    bad_deplete_p: Knob,
    cells: Cells,
    phi: jax.Array,
) -> Sources:
    """Arrived-at sources go inactive, timers count down, and sources whose time has come are back elsewhere.

    Args:
        key: of this step; the streams drawn from are ``RESPAWN_COIN`` and ``RESPAWN_PLACE``.
        sources: before.
        arrival: (K,) bool, sources arrived at in this step.
        enabled: whether sources deplete at all.
        good_delay: steps until a good source is back; 0 moves it within this step.
        bad_delay: the same for bad ones; negative takes ``good_delay``.
        bad_deplete_p: probability that a bad source depletes.
        cells: gives the cells in which sources come back.
        phi: phase of this step.
    """

    def active() -> Sources:
        depletes = when_active(
            bad_deplete_p,
            1.0,
            lambda: (
                Rng(key, Feature.RESPAWN_COIN).bernoulli(value_at(bad_deplete_p, phi), arrival.size) | ~sources.is_bad
            ),
            lambda: jnp.ones_like(arrival),
        )
        gone = arrival & depletes
        good_steps, bad_steps = _steps(good_delay, phi), _steps(bad_delay, phi)
        bad_steps = jnp.where(bad_steps < 0, good_steps, bad_steps)
        timer = jnp.where(sources.active, 0, sources.respawn_t - 1)
        timer = jnp.where(gone, jnp.where(sources.is_bad, bad_steps, good_steps), timer)
        back = (gone | ~sources.active) & (timer <= 0)
        places, _ = cells(Rng(key, Feature.RESPAWN_PLACE).bits(arrival.size))
        return Sources(
            pos=jnp.where(back[:, None], places, sources.pos),
            is_bad=sources.is_bad,
            active=(sources.active & ~gone) | back,
            respawn_t=jnp.maximum(timer, 0),
        )

    return when_active(enabled, False, active, lambda: sources)


def _steps(delay: Knob, phi: jax.Array) -> jax.Array:
    return jnp.round(value_at(delay, phi)).astype(jnp.int32)


def _earlier(n: int) -> jax.Array:
    return jnp.tril(jnp.ones((n, n), bool), k=-1)
