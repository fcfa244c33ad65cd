"""Devices: the mesh over which genomes are spread, and how work on it is divided and gathered again."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from koki2_train.runtime.pinned import PinnedFunction

T = TypeVar("T")

_AXIS = "population"

# `jax.jit` for programs whose bits must not depend on the machine, nor on the modes that JAX is in. XLA would otherwise
# divide large loops among a CPU's threads, and may contract products and sums into fused multiply-adds elsewhere at the
# ends of each part. Genomes are what is divided here, so that the threads are busy anyway.
device_jit = partial(PinnedFunction, compiler_options={"xla_disable_hlo_passes": "cpu-parallel-task-assigner"})


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


def spread(mesh: Mesh, work: Callable[[Any], T], genomes: Any) -> T:
    """Lets every device work on its share of the genomes, and gives all of them what came out.

    A genome's result does not depend on how many devices there are or which genomes share its device. Populations
    that do not divide evenly are padded, and the padding is dropped. Call it inside :func:`on_every_device`, and never
    twice such that neither call needs what the other returns: everything travels in one collective, since several under
    way at once are met in different orders by different devices, which then wait for each other for ever.

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
