"""Random streams: one root key per seed, and a stream for every use that must not share luck with another."""

from __future__ import annotations

from enum import IntEnum

import jax


class Stream(IntEnum):
    """What a stream is for. Training, validation and test lives are disjoint for every seed."""

    GENOME = 0
    SEARCH = 1
    TRAINING = 2
    VIABILITY = 3
    VALIDATION = 4
    TEST = 5


def stream_key(root: jax.Array, stream: Stream, index: int | jax.Array = 0) -> jax.Array:
    """The key of a stream at an index (a generation, say)."""
    return jax.random.fold_in(jax.random.fold_in(root, int(stream)), index)


def life_keys(key: jax.Array, num_lives: int) -> jax.Array:
    """One key per life, (num_lives,). The first n keys are the same for every ``num_lives`` ≥ n."""
    return jax.vmap(lambda i: jax.random.fold_in(key, i))(jax.numpy.arange(num_lives))
