"""Compute for the few members of a batch that need it (resets, here)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

T = TypeVar("T")

# Members that are served together. On a CPU a few dozen amortise the cost of a round; more would be wasted work.
_SMALLEST_ROUND, _ROUNDS_OF_A_BATCH = 16, 32


def on_demand(needed: jax.Array, function: Callable[..., T], *arguments: Any) -> T:
    """``function(*arguments)`` where ``needed``, and zeros elsewhere.

    Under ``vmap`` a plain condition computes everything for every member and then selects. This one, on a CPU, gathers
    those in need and serves them in rounds of fixed size, as many as it takes. On other devices, where a loop of
    unknown length costs more than it saves, all members are served at once. The results are the same.

    Args:
        needed: () bool.
        function: pure; traced arrays must reach it through ``arguments``. It is not differentiated.
        arguments: pytrees. Leaves that are not arrays stay constants.

    Returns:
        What ``function`` returns, or zeros of its shape.
    """
    leaves, structure = jax.tree.flatten(arguments)
    is_traced = [isinstance(leaf, jax.Array) for leaf in leaves]
    traced = [jax.lax.stop_gradient(leaf) for leaf, dynamic in zip(leaves, is_traced, strict=True) if dynamic]
    # What outlives the trace, as the rule for batches does, must not hold on to what is traced.
    constants = [None if dynamic else leaf for leaf, dynamic in zip(leaves, is_traced, strict=True)]

    def call(*traced: jax.Array) -> T:
        rest = iter(traced)
        merged = [next(rest) if dynamic else leaf for leaf, dynamic in zip(constants, is_traced, strict=True)]
        return function(*jax.tree.unflatten(structure, merged))

    made = jax.eval_shape(call, *traced)

    def nothing(*_: jax.Array) -> T:
        return jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), made)

    @jax.custom_batching.custom_vmap
    def alone(needed: jax.Array, *traced: jax.Array) -> T:
        return jax.lax.cond(needed, call, nothing, *traced)

    @alone.def_vmap
    def together(axis_size: int, in_batched: list[bool], needed: jax.Array, *traced: jax.Array) -> tuple[T, Any]:
        axes = tuple(0 if batched else None for batched in in_batched[1:])
        if not in_batched[0]:
            needed = jnp.broadcast_to(needed, (axis_size,))

        def all_members(needed: jax.Array, *traced: jax.Array) -> T:
            return jax.vmap(call, axes, axis_size=axis_size)(*traced)

        def members_in_need(needed: jax.Array, *traced: jax.Array) -> T:
            return _in_rounds(call, made, needed, axes, traced)

        served = jax.lax.platform_dependent(needed, *traced, cpu=members_in_need, default=all_members)
        return served, jax.tree.map(lambda _: True, made)

    return alone(needed, *traced)


def _in_rounds(
    call: Callable[..., T], made: T, needed: jax.Array, axes: tuple[int | None, ...], traced: tuple[jax.Array, ...]
) -> T:
    """Serves members of a batch of B where ``needed`` (B,), some at a time; ``made`` is what one gets, as shapes."""
    batch = needed.shape[0]
    size = min(batch, max(_SMALLEST_ROUND, batch // _ROUNDS_OF_A_BATCH))
    so_far = jnp.cumsum(needed, dtype=jnp.int32)

    def one_round(carry: tuple[jax.Array, T]) -> tuple[jax.Array, T]:
        served, results = carry
        # The member that is the n-th in need is the first up to which n are; after the last there is none, and
        # results without a member are dropped.
        members = jnp.searchsorted(so_far, served + 1 + jnp.arange(size, dtype=jnp.int32), method="scan_unrolled")
        theirs = [x if axis is None else x.at[members].get(mode="clip") for x, axis in zip(traced, axes, strict=True)]
        some = jax.vmap(call, axes, axis_size=size)(*theirs)
        results = jax.tree.map(lambda all_, some: all_.at[members].set(some, mode="drop"), results, some)
        return served + size, results

    start = jax.tree.map(lambda x: jnp.zeros((batch, *x.shape), x.dtype), made)
    _, results = jax.lax.while_loop(lambda carry: carry[0] < so_far[-1], one_round, (jnp.zeros((), jnp.int32), start))
    return results
