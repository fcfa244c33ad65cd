"""Policies of the valence lottery: greedy, ``win_stay``, ``memory`` and oracle.

All but greedy walk the shortest way to the nearest source that they want, around those that they avoid unless the
detour takes more than ``_PENALTY`` steps. They read the cells of all sources from the state, which tells them more than
the senses do: the places beyond the nearest source of each smell. No policy but the oracle reads a valence; what a bite
was worth is told by the energy that is sensed after it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from koki2_envs.environments.lottery import Lottery, LotteryState
from koki2_envs.knobs import value_at
from koki2_envs.params import LotteryParams
from koki2_envs.reference_policies.base import MemoryPolicy, greedy, oracle, register_policy, towards
from koki2_envs.reference_policies.planning import NEVER, costs_of_moves, field_of, outside

# What it costs, in steps, to enter a cell with a source that is avoided; between 0.5 and 1.5 the oracle's return
# changes by 0.1, and one that never touches a bad source loses 7 of 58.
_PENALTY = 1.0


@greedy.register
def _(env: Lottery, params: LotteryParams, state: LotteryState, observation: jax.Array, key: jax.Array) -> jax.Array:
    """Climbs the strongest of the gradients, whatever the smell; stays where all are silent."""
    gradients = observation[: 2 * env.num_smells].reshape(env.num_smells, 2)
    strongest = gradients[jnp.argmax(jnp.sum(jnp.square(gradients), axis=1))]
    return towards(strongest[0], strongest[1])


@oracle.register
def _(env: Lottery, params: LotteryParams, state: LotteryState, observation: jax.Array, key: jax.Array) -> jax.Array:
    """Walks to the nearest source that feeds, around those that harm; it does not foresee a reversal."""
    return _walk(env, params, state, state.source_is_bad)


class _Moment(NamedTuple):
    """A moment before a step, by which the next one shows what was bitten and whether it fed."""

    pos: jax.Array
    source_pos: jax.Array
    source_active: jax.Array
    energy: jax.Array


class _Taster(MemoryPolicy):
    """Base of the policies that remember what bites did; memory is the last moment and what was learned."""

    def init(self, env: Lottery) -> tuple[_Moment, jax.Array]:
        """Nothing was bitten yet."""
        cells = jnp.zeros((env.num_places, 2), jnp.int32)
        nowhere = jnp.zeros(env.num_places, bool)
        moment = _Moment(jnp.zeros(2, jnp.int32), cells, nowhere, jnp.zeros((), jnp.float32))
        return moment, jnp.zeros(env.num_smells, jnp.int32)

    def act(
        self, env: Any, params: Any, state: Any, observation: jax.Array, memory: Any, key: jax.Array
    ) -> tuple[jax.Array, tuple[_Moment, jax.Array]]:
        """Learns from the last bite, then walks to the nearest source of a smell that is not avoided."""
        before, learned = memory
        energy = observation[env.observation_names.index("energy")]
        bitten, fed = _last_bite(env, params, state, before, energy)
        learned = self.learn(env, params, learned, bitten, fed)
        avoided = jnp.repeat(self.avoids(env, params, learned), env.sources_per_smell)
        moment = _Moment(state.pos, state.source_pos, state.source_active, energy)
        return _walk(env, params, state, avoided), (moment, learned)

    def learn(
        self, env: Lottery, params: LotteryParams, learned: jax.Array, bitten: jax.Array, fed: jax.Array
    ) -> jax.Array:
        """What is known of each smell after a step, (num_smells,) int32: 1 it feeds, −1 it harms, 0 nothing.

        Args:
            env: the world.
            params: its knobs.
            learned: what was known before.
            bitten: (num_smells,) bool, the smells bitten in the step; mostly none.
            fed: () bool, whether energy was gained.
        """
        raise NotImplementedError

    def avoids(self, env: Lottery, params: LotteryParams, learned: jax.Array) -> jax.Array:
        """Which smells are avoided; (num_smells,) bool."""
        return learned < 0


class WinStay(_Taster):
    """Avoids a smell only while it was the last bite, and bad."""

    def learn(
        self, env: Lottery, params: LotteryParams, learned: jax.Array, bitten: jax.Array, fed: jax.Array
    ) -> jax.Array:
        """The last bite alone."""
        return jnp.where(jnp.any(bitten), jnp.where(fed, 0, -bitten.astype(jnp.int32)), learned)


class Memory(_Taster):
    """Tries what is unknown, wants what fed and avoids what harmed; it knows how many smells feed.

    Once as many are known to feed as do, the others are avoided by elimination. A bite that contradicts what is known
    tells it that all valences have been reversed.
    """

    def learn(
        self, env: Lottery, params: LotteryParams, learned: jax.Array, bitten: jax.Array, fed: jax.Array
    ) -> jax.Array:
        """What each smell's last bite did; of several smells in one cell, when none fed."""
        alone = jnp.sum(bitten, dtype=jnp.int32) == 1
        news = jnp.where(bitten, jnp.where(fed, jnp.where(alone, 1, 0), -1), 0).astype(jnp.int32)
        merged = jnp.where(news != 0, news, learned)
        good, bad = (jnp.sum(merged == sign, dtype=jnp.int32) for sign in (1, -1))
        contradiction = (good > params.num_feeding) | (bad > env.num_smells - params.num_feeding)
        contradiction |= jnp.any(news * learned < 0)
        return jnp.where(contradiction, jnp.where(news != 0, news, -learned), merged)

    def avoids(self, env: Lottery, params: LotteryParams, learned: jax.Array) -> jax.Array:
        """Which smells are avoided; (num_smells,) bool."""
        all_good_are_known = jnp.sum(learned == 1, dtype=jnp.int32) >= params.num_feeding
        return (learned < 0) | ((learned == 0) & all_good_are_known)


def _last_bite(
    env: Lottery, params: LotteryParams, state: LotteryState, before: _Moment, energy: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """The smells bitten in the last step, (num_smells,) bool, and whether the step fed, () bool."""
    here, there = (jnp.all(before.source_pos == pos[None], axis=1) for pos in (state.pos, before.pos))
    arrived = before.source_active & here & ~there
    bitten = jnp.stack([jnp.any(arrived[env.smell_slice(smell)]) for smell in range(env.num_smells)])
    phi = env.phase(jnp.maximum(state.time - 1, 0), params)
    decay, gain = value_at(params.energy_decay, phi), value_at(params.energy_gain, phi)
    return bitten, energy > before.energy - decay + 0.5 * jnp.minimum(decay, gain)


def _walk(env: Lottery, params: LotteryParams, state: LotteryState, avoided: jax.Array) -> jax.Array:
    """The first step of the cheapest way to an active source that is not ``avoided`` (K,), or else to the middle."""
    wanted = state.source_active & ~avoided
    goals = jnp.concatenate([state.source_pos, (env.size(params) // 2)[None]])
    counts = jnp.concatenate([wanted, ~jnp.any(wanted)[None]])
    harm = field_of(state.pos, state.source_pos, (state.source_active & avoided).astype(jnp.float32))
    entering = 1.0 + _PENALTY * (harm > 0).astype(jnp.float32)
    entering = jnp.where(outside(state.pos, env.size(params)), NEVER, entering)
    costs = costs_of_moves(goals - state.pos[None], counts, entering)
    return (1 + jnp.argmin(costs)).astype(jnp.int32)


register_policy(Lottery, "win_stay", WinStay())
register_policy(Lottery, "memory", Memory())
