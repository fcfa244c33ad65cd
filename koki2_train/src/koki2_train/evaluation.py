"""Genomes × lives: every genome of a population lives the same episodes, spread over devices by genome."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from koki2_train.brains import Brain
from koki2_train.genomes import Encoding
from koki2_train.lifetime import LifeSummary, lifetime

T = TypeVar("T")

_AXIS = "population"

# More lives of one genome than this are lived one block after the other. It decides the shape of a genome's matrix
# products and with it, possibly, their rounding: it must depend on nothing but the number of lives.
_LIVES_AT_ONCE = 128
# Memory for the brains of a block of genomes. Speed does not depend on it (see docs/performance.md) as long as a block
# keeps the device busy. It never changes a genome's result.
_BLOCK_BYTES = {"cpu": 2**24}
_BLOCK_BYTES_ELSEWHERE = 2**32


@dataclass(frozen=True)
class Task:
    """What is lived, by whom: everything static that an evaluation needs. Hashable, an argument of compiled code.

    Attributes:
        env: the world.
        brain: what acts.
        encoding: how a genome develops into the brain's params.
        idle: knobs that are off for the whole life (``env_params.idle_knobs()``), compiled away.
        mesh: the devices over which genomes are spread.
    """

    env: Any
    brain: Brain
    encoding: Encoding
    idle: tuple[tuple[str, float], ...]
    mesh: Mesh


def population_mesh(num_devices: int | None = None) -> Mesh:
    """A one-axis mesh over the first ``num_devices`` devices of every process (all of them where None).

    Raises:
        ValueError: a process has not that many.
    """
    by_process: dict[int, list[Any]] = {}
    for device in jax.devices():
        by_process.setdefault(device.process_index, []).append(device)
    fewest = min(len(devices) for devices in by_process.values())
    if num_devices is not None and not 1 <= num_devices <= fewest:
        raise ValueError(f"devices must be 1 to {fewest} (what JAX sees here), got {num_devices}")
    chosen = [device for process in sorted(by_process) for device in by_process[process][:num_devices]]
    return Mesh(np.asarray(chosen), (_AXIS,), axis_types=(AxisType.Auto,))


def replicate(mesh: Mesh, tree: Any) -> Any:
    """Puts a pytree on every device of the mesh.

    Where the mesh spans several processes each of them must call it, with equal leaves; none waits for another.
    """
    everywhere = NamedSharding(mesh, PartitionSpec())

    def put(leaf: Any) -> jax.Array:
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jax.random.wrap_key_data(put(jax.random.key_data(leaf)), impl=jax.random.key_impl(leaf))
        value = np.asarray(leaf)
        return jax.make_array_from_callback(value.shape, everywhere, lambda index: value[index])

    return jax.tree.map(put, tree)


def evaluate_genomes(
    task: Task,
    env_params: Any,
    genomes: Any,
    keys: jax.Array,
    num_steps: int,
    wanted: tuple[str, ...] = LifeSummary._fields,
) -> LifeSummary:
    """Lets every genome live every episode, spread over devices. Call it inside :func:`on_every_device`.

    Takes the arguments of :func:`live` and returns what it returns, for all genomes on every device.
    """
    run = partial(live, task, env_params, keys=keys, num_steps=num_steps, wanted=wanted)
    return spread(task.mesh, run, genomes)


def spread(mesh: Mesh, work: Callable[[Any], T], genomes: Any) -> T:
    """Lets every device work on its share of the genomes, and gives all of them what came out.

    A genome's result does not depend on how many devices there are or who shares its device. Populations that do not
    divide evenly are padded, and the padding is dropped. Call it inside :func:`on_every_device`, and never twice such
    that neither call needs what the other returns: everything travels in one collective, since several under way at
    once are met in different orders by different devices, which then wait for each other for ever.

    Args:
        mesh: the devices.
        work: a function of genomes; every leaf of what it returns has their leading axis. Numbers travel as float32.
        genomes: pytree with a leading axis of G.

    Returns:
        What ``work`` returns for all G genomes.
    """
    num_genomes = jax.tree.leaves(genomes)[0].shape[0]
    share = -(-num_genomes // mesh.size)
    mine = jnp.minimum(jax.lax.axis_index(_AXIS) * share + jnp.arange(share), num_genomes - 1)
    leaves, structure = jax.tree.flatten(work(jax.tree.map(lambda x: x[mine], genomes)))
    table = jnp.concatenate([leaf.reshape(share, -1).astype(jnp.float32) for leaf in leaves], axis=1)
    table = jax.lax.all_gather(table, _AXIS, tiled=True)[:num_genomes]
    ends = np.cumsum([math.prod(leaf.shape[1:]) for leaf in leaves])
    columns = jnp.split(table, ends[:-1], axis=1)
    return jax.tree.unflatten(
        structure,
        [
            column.reshape(num_genomes, *leaf.shape[1:]).astype(leaf.dtype)
            for column, leaf in zip(columns, leaves, strict=True)
        ],
    )


def on_every_device(mesh: Mesh, function: Callable[..., T], *arguments: Any) -> T:
    """Runs ``function`` as a whole on every device of the mesh, on the same arguments to the same results.

    Inside, only :func:`spread` divides work. Left to itself XLA would also divide what comes before and
    after it, sum up in parts, and so round differently on every number of devices.
    """
    everywhere = PartitionSpec()
    run = jax.shard_map(function, mesh=mesh, in_specs=everywhere, out_specs=everywhere, check_vma=False)
    return run(*arguments)


def live(
    task: Task,
    env_params: Any,
    genomes: Any,
    keys: jax.Array,
    num_steps: int,
    wanted: tuple[str, ...] = LifeSummary._fields,
) -> LifeSummary:
    """Lets every genome live every episode, on one device.

    Args:
        task: what is lived, by whom.
        env_params: the world's knobs.
        genomes: pytree with a leading axis of G.
        keys: (L,) random keys, one per life; the same for every genome.
        num_steps: length of a life.
        wanted: the fields of the summary that are asked for; the others are None, and their work is not done.

    Returns:
        A summary with leaves (G, L).
    """
    env_params = env_params.with_constants(task.idle)

    def one_genome(genome: Any, keys: jax.Array) -> dict[str, jax.Array]:
        params = task.encoding.develop(genome)
        one_life = partial(lifetime, task.env, env_params, task.brain, params, num_steps=num_steps)
        lives = jax.vmap(one_life)(keys)
        return {name: getattr(lives, name) for name in wanted}

    genomes_at_once = _genomes_at_once(task, min(keys.shape[0], _LIVES_AT_ONCE))

    def some_lives(keys: jax.Array) -> dict[str, jax.Array]:
        lives = in_blocks(jax.vmap(partial(one_genome, keys=keys)), genomes, genomes_at_once)
        return jax.tree.map(jnp.transpose, lives)

    columns = jax.tree.map(jnp.transpose, in_blocks(some_lives, keys, _LIVES_AT_ONCE))
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


def brain_bytes(task: Task, lives: int) -> int:
    """What a genome's brain takes while it lives so many lives at once."""
    params = jax.eval_shape(lambda key: task.encoding.develop(task.encoding.init(key)), jax.random.key(0))
    return max(1, _num_bytes(params) + lives * _num_bytes(jax.eval_shape(task.brain.init, params)))


def _genomes_at_once(task: Task, lives: int) -> int:
    """How many genomes with so many lives each fit into a block's memory."""
    available = _BLOCK_BYTES.get(task.mesh.devices.flat[0].platform, _BLOCK_BYTES_ELSEWHERE)
    return max(1, available // brain_bytes(task, lives))


def _num_bytes(tree: Any) -> int:
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


@partial(jax.jit, static_argnames=("task", "num_steps"))
def evaluate(task: Task, env_params: Any, genomes: Any, keys: jax.Array, num_steps: int) -> LifeSummary:
    """:func:`evaluate_genomes`, compiled once per task, number of genomes, lives and steps."""
    run = partial(evaluate_genomes, task, num_steps=num_steps)
    return on_every_device(task.mesh, run, env_params, genomes, keys)
