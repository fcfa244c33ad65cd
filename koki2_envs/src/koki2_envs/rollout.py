"""Rollouts: a policy lives lives in a world, as a record of one life or as the returns of many.

Importing this module does not import JAX.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from koki2_envs.knobs import known_number

if TYPE_CHECKING:
    import jax

    from koki2_envs.life_record import LifeRecord
    from koki2_envs.reference_policies import Policy

_BIRTH, _STEPS = 0, 1
_WORLD, _POLICY = 0, 1


def rollout(env: Any, params: Any, policy: str | Policy, key: jax.Array, num_steps: int | None = None) -> LifeRecord:
    """Lives one life and records it step by step.

    Compiles once per world, policy, number of steps and set of idle knobs; other values of the knobs and keys do not
    recompile. Works inside ``jax.jit``, and under ``jax.vmap`` over ``key`` (many lives) and over ``params``.

    Everything random is derived from ``key`` and the step's number t: birth draws from ``fold_in(key, 0)``, and with
    ``now = fold_in(fold_in(key, 1), t)`` the world's step draws from ``fold_in(now, 0)`` and the policy from
    ``fold_in(now, 1)``. Lives that share a key thus share their world's random numbers, whatever the policy does, and
    fewer steps are the beginning of more.

    Args:
        env: a world of this package or one that derives from it.
        params: its knobs.
        policy: the name of a reference policy of the world (:func:`koki2_envs.reference_policies.policies_of`), a
            function ``policy(env, params, state, observation, key) -> action``, () int32, or a
            :class:`koki2_envs.reference_policies.MemoryPolicy`. Each new object is compiled anew, so define it once.
        key: the life's random key.
        num_steps: T, the number of steps that are recorded; ``params.max_steps_in_episode`` where None.

    Returns:
        The record of T steps, its arrays on the device. Steps after death or the time limit are not ``alive``.

    Raises:
        ValueError: an unknown policy, ``num_steps`` below 1, or params incompatible with the world.
        TypeError: ``policy`` is neither a name nor a function, params of another world, or no ``num_steps`` where
            ``max_steps_in_episode`` is batched or traced.
    """
    env.check_params(params)
    steps, agent = _checked_steps(params, num_steps), _policy_of(env, policy)
    record: LifeRecord = _compiled(_record)(env, params, params.idle_knobs(), agent, key, steps)
    return record


def returns(env: Any, params: Any, policy: str | Policy, keys: jax.Array, num_steps: int | None = None) -> jax.Array:
    """Undiscounted returns of many lives, which are those of :func:`rollout`, without keeping their steps.

    Args:
        env: as for :func:`rollout`.
        params: as for :func:`rollout`.
        policy: as for :func:`rollout`.
        keys: (n,) random keys, one a life.
        num_steps: as for :func:`rollout`.

    Returns:
        (n,) float32.

    Raises:
        ValueError, TypeError: see :func:`rollout`.
    """
    env.check_params(params)
    steps, agent = _checked_steps(params, num_steps), _policy_of(env, policy)
    sums: jax.Array = _compiled(_returns)(env, params, params.idle_knobs(), agent, keys, steps)
    return sums


def _record(env: Any, params: Any, idle: Any, policy: Policy, key: jax.Array, num_steps: int) -> LifeRecord:
    import jax
    import jax.numpy as jnp

    from koki2_envs.life_record import LifeRecord

    end, (states, *rows) = _live(env, params.with_constants(idle), policy, key, num_steps, lambda *row: row)
    states = jax.tree.map(lambda rows, last: jnp.concatenate([rows, last[None]]), states, end)
    return LifeRecord(states, *rows)


def _returns(env: Any, params: Any, idle: Any, policy: Policy, keys: jax.Array, num_steps: int) -> jax.Array:
    import jax
    import jax.numpy as jnp

    params = params.with_constants(idle)

    def reward_if_alive(
        state: Any, observation: jax.Array, action: jax.Array, reward: jax.Array, alive: jax.Array, info: Any
    ) -> jax.Array:
        return jnp.where(alive, reward, 0.0)

    def one_life(key: jax.Array) -> jax.Array:
        rewards: jax.Array = _live(env, params, policy, key, num_steps, reward_if_alive)[1]
        return rewards.sum()

    return jax.vmap(one_life)(keys)


def _live(
    env: Any, params: Any, policy: Policy, key: jax.Array, num_steps: int, keep: Callable[..., Any]
) -> tuple[Any, Any]:
    """Steps a life, also after its end.

    Returns:
        The last state, and for each step what ``keep(state, observation, action, reward, alive, info)`` makes of it.
    """
    import jax
    import jax.numpy as jnp

    from koki2_envs.reference_policies import act, init_memory

    step_key = jax.random.fold_in(key, _STEPS)

    def step(moment: tuple[Any, jax.Array, Any, jax.Array], t: jax.Array) -> tuple[Any, Any]:
        state, observation, memory, alive = moment
        now = jax.random.fold_in(step_key, t)
        policy_key = jax.random.fold_in(now, _POLICY)
        action, memory = act(policy, env, params, state, observation, memory, policy_key)
        seen, after, reward, terminated, info = env.step_env(jax.random.fold_in(now, _WORLD), state, action, params)
        goes_on = alive & ~terminated & ~env.is_truncated(after, params)
        return (after, seen, memory, goes_on), keep(state, observation, action, reward, alive, info)

    observation, born = env.reset_env(jax.random.fold_in(key, _BIRTH), params)
    start = (born, observation, init_memory(policy, env), jnp.ones((), bool))
    (end, *_), rows = jax.lax.scan(step, start, jnp.arange(num_steps, dtype=jnp.int32))
    return end, rows


@functools.cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    import jax

    return jax.jit(function, static_argnames=("env", "idle", "policy", "num_steps"))


def _policy_of(env: Any, policy: str | Policy) -> Policy:
    from koki2_envs.reference_policies import MemoryPolicy, policy_called

    if isinstance(policy, str):
        return policy_called(policy, env)
    if not (callable(policy) or isinstance(policy, MemoryPolicy)):
        raise TypeError(f"policy must be the name of a reference policy, a function or a MemoryPolicy, got {policy!r}")
    return policy


def _checked_steps(params: Any, num_steps: int | None) -> int:
    steps = known_number(params.max_steps_in_episode if num_steps is None else num_steps)
    if steps is None:
        raise TypeError("num_steps must be a number where max_steps_in_episode is batched or traced")
    if steps < 1 or steps != int(steps):
        raise ValueError(f"num_steps must be a whole number of at least 1, got {num_steps}")
    return int(steps)
