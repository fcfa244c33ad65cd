"""Genomes × lives: every genome of a population lives the same episodes, spread over devices by genome."""

from __future__ import annotations

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
    """A one-axis mesh over the first ``num_devices`` devices (all of them where None).

    Raises:
        ValueError: there are not that many.
    """
    devices = jax.devices()
    if num_devices is not None and not 1 <= num_devices <= len(devices):
        raise ValueError(f"devices must be 1 to {len(devices)} (what JAX sees here), got {num_devices}")
    return Mesh(np.asarray(devices[:num_devices]), (_AXIS,), axis_types=(AxisType.Auto,))


def replicate(mesh: Mesh, tree: Any) -> Any:
    """Puts a pytree on every device of the mesh."""
    return jax.device_put(tree, NamedSharding(mesh, PartitionSpec()))


def evaluate_genomes(
    task: Task,
    env_params: Any,
    genomes: Any,
    keys: jax.Array,
    num_steps: int,
    wanted: tuple[str, ...] = LifeSummary._fields,
) -> LifeSummary:
    """Lets every genome live every episode. Call it inside :func:`on_every_device`.

    A genome's result does not depend on how many devices there are or who shares its device. Populations that do not
    divide evenly are padded, and the padding is dropped. What is wanted travels between devices as one array, in one
    collective: several at once can be met in different orders by different devices and wait for each other for ever.

    Args:
        task: what is lived, by whom.
        env_params: the world's knobs.
        genomes: pytree with a leading axis of G.
        keys: (L,) random keys, one per life; the same for every genome.
        num_steps: length of a life.
        wanted: the fields of the summary that are asked for; the others are None, and their work is not done.

    Returns:
        A summary with leaves (G, L), on every device.
    """
    num_genomes = jax.tree.leaves(genomes)[0].shape[0]
    share = -(-num_genomes // task.mesh.size)
    mine = jnp.minimum(jax.lax.axis_index(_AXIS) * share + jnp.arange(share), num_genomes - 1)
    table = _evaluate_share(task, num_steps, wanted, env_params, jax.tree.map(lambda x: x[mine], genomes), keys)
    table = jax.lax.all_gather(table, _AXIS, tiled=True)
    columns = {name: table[:num_genomes, :, i] for i, name in enumerate(wanted)}
    if "finite" in columns:
        columns["finite"] = columns["finite"] > 0
    return LifeSummary(**dict.fromkeys(LifeSummary._fields) | columns)  # type: ignore[arg-type]


def on_every_device(mesh: Mesh, function: Callable[..., T], *arguments: Any) -> T:
    """Runs ``function`` as a whole on every device of the mesh, on the same arguments to the same results.

    Inside, only :func:`evaluate_genomes` divides work. Left to itself XLA would also divide what comes before and
    after it, sum up in parts, and so round differently on every number of devices.
    """
    everywhere = PartitionSpec()
    run = jax.shard_map(function, mesh=mesh, in_specs=everywhere, out_specs=everywhere, check_vma=False)
    return run(*arguments)


def _evaluate_share(
    task: Task, num_steps: int, wanted: tuple[str, ...], env_params: Any, genomes: Any, keys: jax.Array
) -> jax.Array:
    """One device's genomes; (G, L, len(wanted)) float32."""
    env_params = env_params.with_constants(task.idle)

    def live(genome: Any) -> jax.Array:
        params = task.encoding.develop(genome)
        one_life = partial(lifetime, task.env, env_params, task.brain, params, num_steps=num_steps)
        lives = jax.vmap(one_life)(keys)
        return jnp.stack([getattr(lives, name).astype(jnp.float32) for name in wanted], axis=-1)

    return jax.vmap(live)(genomes)


@partial(jax.jit, static_argnames=("task", "num_steps"))
def evaluate(task: Task, env_params: Any, genomes: Any, keys: jax.Array, num_steps: int) -> LifeSummary:
    """:func:`evaluate_genomes`, compiled once per task, number of genomes, lives and steps."""
    run = partial(evaluate_genomes, task, num_steps=num_steps)
    return on_every_device(task.mesh, run, env_params, genomes, keys)
