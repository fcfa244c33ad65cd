"""Random streams: the whole tree of random keys of a run.

``root = root_key(seed)``; a use of random numbers has the key ``fold_in(fold_in(root, stream), index)``::

    root ─┬─ GENOME      0                     the first genome
          ├─ SEARCH      0, then 1 + generation  the strategy's init; ask and tell (split)
          ├─ TRAINING    generation ── life ─┐
          ├─ VIABILITY   generation ── life ─┤
          ├─ VALIDATION  0 ── life ──────────┤
          └─ TEST        0 ── life ──────────┴─ birth, steps ── step ── world, brain

The key of a life is ``fold_in(stream key, life)``. What a life does with it is in
:mod:`koki2_train.rollout.lifetime`, and what a world does with a step's key in :mod:`koki2_envs.mechanics.rng`.
"""

from __future__ import annotations

from enum import IntEnum

import jax
import jax.numpy as jnp

from koki2_train.runtime.pinned import GENERATOR


class Stream(IntEnum):
    """What a stream is for. Training, validation and test lives are disjoint for every seed."""

    GENOME = 0
    SEARCH = 1
    TRAINING = 2
    VIABILITY = 3
    VALIDATION = 4
    TEST = 5


def root_key(seed: int | jax.Array) -> jax.Array:
    """The root key of a seed, or of each of several (R,) uint32.

    It is what ``jax.random.key(seed)`` gives by default, and stays that whatever generator or offset JAX is set to.

    Raises:
        ValueError: a seed that does not fit into 32 bits.
    """
    if isinstance(seed, int) and not 0 <= seed < 2**32:
        raise ValueError(f"seed must be 0 to {2**32 - 1}, got {seed}")
    low = jnp.asarray(seed, jnp.uint32)
    return jax.random.wrap_key_data(jnp.stack([jnp.zeros_like(low), low], axis=-1), impl=GENERATOR)


def stream_key(root: jax.Array, stream: Stream, index: int | jax.Array = 0) -> jax.Array:
    """The key of a stream at an index (a generation, say)."""
    return jax.random.fold_in(jax.random.fold_in(root, int(stream)), index)


def life_key(key: jax.Array, life: int | jax.Array) -> jax.Array:
    """The key of one life of a stream; those of all lives are :func:`life_keys`."""
    return jax.random.fold_in(key, life)


def life_keys(key: jax.Array, num_lives: int) -> jax.Array:
    """One key per life, (num_lives,). The first n keys are the same for every ``num_lives`` ≥ n."""
    return jax.vmap(lambda life: life_key(key, life))(jnp.arange(num_lives, dtype=jnp.int32))
