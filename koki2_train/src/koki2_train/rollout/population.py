"""Genomes × lives: every genome of a population lives the same episodes, spread over devices by genome."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from koki2_train.rollout.knobs import Knobs
from koki2_train.rollout.lifetime import rollout_life
from koki2_train.rollout.metrics import LifeSummary
from koki2_train.rollout.problem import Problem
from koki2_train.runtime.devices import device_jit, on_every_device, spread

T = TypeVar("T")

# More lives of one genome than this are lived one block after the other. It decides the shape of a genome's matrix
# products and with it, possibly, their rounding: it must depend on nothing but the number of lives.
LIVES_AT_ONCE = 128
# Memory for the brains of a block of genomes. On a CPU a block stays in a core's second-level cache, which matters most
# where weights learn and every life has its own (see docs/performance.md). It never changes a genome's result.
_BLOCK_BYTES = {"cpu": 2**20}
_BLOCK_BYTES_ELSEWHERE = 2**32


def rollout_on_devices(
    problem: Problem,
    knobs: Knobs,
    genomes: jax.Array,
    keys: jax.Array,
    num_steps: int,
    wanted: tuple[str, ...] = LifeSummary._fields,
) -> LifeSummary:
    """Lets every genome live every episode, spread over devices. Call it inside :func:`on_every_device`.

    Takes the arguments of :func:`rollout_population` and returns what it returns, for all genomes on every device.
    """
    run = partial(rollout_population, problem, knobs, keys=keys, num_steps=num_steps, wanted=wanted)
    return spread(problem.mesh, run, genomes)


def rollout_population(
    problem: Problem,
    knobs: Knobs,
    genomes: jax.Array,
    keys: jax.Array,
    num_steps: int,
    wanted: tuple[str, ...] = LifeSummary._fields,
) -> LifeSummary:
    """Lets every genome live every episode, on one device.

    Args:
        problem: world, brain, genome and devices.
        knobs: of world and brain.
        genomes: (G, D) float32.
        keys: (L,) random keys, one per life; the same for every genome.
        num_steps: length of a life.
        wanted: the fields of the summary that are asked for; the others are None, and their work is not done.

    Returns:
        A summary with leaves (G, L).
    """
    knobs = knobs.with_constants(problem.idle)

    def one_genome(genome: jax.Array, keys: jax.Array) -> dict[str, jax.Array]:
        weights = problem.develop(genome, knobs.brain)
        one_life = partial(rollout_life, problem.env, knobs.world, problem.brain, weights, num_steps=num_steps)
        lives = jax.vmap(one_life)(keys)
        return {name: getattr(lives, name) for name in wanted}

    genomes_at_once = _genomes_at_once(problem, knobs.brain, min(keys.shape[0], LIVES_AT_ONCE))

    def some_lives(keys: jax.Array) -> dict[str, jax.Array]:
        lives = in_blocks(jax.vmap(partial(one_genome, keys=keys)), genomes, genomes_at_once)
        return jax.tree.map(jnp.transpose, lives)

    columns = jax.tree.map(jnp.transpose, in_blocks(some_lives, keys, LIVES_AT_ONCE))
    return LifeSummary(**dict.fromkeys(LifeSummary._fields) | columns)


def in_blocks(function: Callable[[Any], T], items: Any, at_most: int) -> T:
    """``function`` over all items, never more than ``at_most`` at a time, so that memory does not grow with them.

    Args:
        function: of items; every leaf of what it returns has their leading axis.
        items: pytree with a leading axis of n.
        at_most: largest block. Blocks are of equal size; the last one is filled up with copies of the last item.
    """
    n = jax.tree.leaves(items)[0].shape[0]
    blocks = -(-n // at_most)
    if blocks == 1:
        return function(items)
    size = -(-n // blocks)
    index = jnp.minimum(jnp.arange(blocks * size), n - 1).reshape(blocks, size)
    results = jax.lax.map(lambda i: function(jax.tree.map(lambda x: x[i], items)), index)
    return jax.tree.map(lambda x: x.reshape(blocks * size, *x.shape[2:])[:n], results)


def brain_bytes(problem: Problem, knobs: Mapping[str, Any], lives: int) -> int:
    """What a genome's brain takes while it lives so many lives at once."""
    genome = jax.ShapeDtypeStruct((problem.genome.size,), jnp.float32)
    weights = jax.eval_shape(problem.develop, genome, dict(knobs))
    return max(1, _num_bytes(weights) + lives * _num_bytes(jax.eval_shape(problem.brain.init, weights)))


def _genomes_at_once(problem: Problem, knobs: Mapping[str, Any], lives: int) -> int:
    """How many genomes with so many lives each fit into a block's memory."""
    available = _BLOCK_BYTES.get(problem.mesh.devices.flat[0].platform, _BLOCK_BYTES_ELSEWHERE)
    return max(1, available // brain_bytes(problem, knobs, lives))


def _num_bytes(tree: Any) -> int:
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


@partial(device_jit, static_argnames=("problem",))
def compiled_rollout(problem: Problem, knobs: Knobs, genomes: jax.Array, keys: jax.Array) -> LifeSummary:
    """:func:`rollout_on_devices` over whole lives, compiled once per problem and numbers of genomes and lives."""
    run = partial(rollout_on_devices, problem, num_steps=problem.num_steps)
    return on_every_device(problem.mesh, run, knobs, genomes, keys)
