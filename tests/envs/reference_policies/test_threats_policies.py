"""What idle threats cost, what the reference policies do about threats, and how they look."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import assert_same, draws
from handmade_threats import STAY, STORMS, ZONES, state_of, step

from koki2_envs import REFERENCE_POLICIES, make, rollout
from koki2_envs.environments import Threats
from koki2_envs.mechanics.storms import STORM, WARNING
from koki2_envs.params import ThreatsParams
from koki2_envs.rendering import scene_of

LEFT, RIGHT = 3, 4


def act(policy, state, **knobs):
    params = ThreatsParams(**{"width": 9, "height": 5, "max_steps_in_episode": 100, **knobs})
    observation = step(state, STAY, **knobs)[0]
    return int(REFERENCE_POLICIES[policy](Threats(), params, state, observation, jax.random.key(0)))


@functools.cache
def many_lives(rung, policy):
    """The record of 256 lives."""
    env, params = make(rung)
    keys = jax.random.split(jax.random.key(0), 256)
    return jax.device_get(jax.vmap(lambda key: rollout(env, params, policy, key))(keys))


class TestIdle:
    @pytest.mark.parametrize(
        ("knobs", "count"), [({}, 0), (ZONES, 0), (STORMS, 1), ({"decoy_p": 0.1}, 1), ({**STORMS, "decoy_p": 0.1}, 2)]
    )
    def test_a_step_draws_for_what_is_on(self, knobs, count):
        assert draws(functools.partial(step, **knobs), state_of((4, 2)), STAY) == count

    @pytest.mark.parametrize(("knobs", "count"), [({}, 1), (ZONES, 2), (STORMS, 4)])
    def test_a_birth_draws_for_what_is_on(self, knobs, count):
        params = ThreatsParams(**{"width": 9, "height": 5, **knobs})
        assert draws(lambda key: Threats().reset_env(key, params), jax.random.key(0)) == count

    @pytest.mark.parametrize(
        "rung", [*(pytest.param(name, marks=pytest.mark.slow) for name in ("L3.0", "L3.1")), "L3.2"]
    )
    def test_traced_knobs_give_the_same_lives(self, rung):
        env, params = make(rung)

        def birth_and_step(params, key):
            _, state = env.reset_env(key, params)
            return env.step_env(key, state.replace(storm_phase=jnp.int32(WARNING), storm_t=jnp.int32(1)), RIGHT, params)

        keys = jax.random.split(jax.random.key(0), 16)
        traced = jax.jit(jax.vmap(birth_and_step, in_axes=(None, 0)))(params, keys)
        assert_same(traced, jax.jit(jax.vmap(functools.partial(birth_and_step, params)))(keys))


class TestPolicies:
    def test_greedy_walks_into_a_zone_and_the_oracle_around_it(self):
        # Food two steps to the right of a zone of radius 1.5 that lies between.
        state = state_of((2, 2), zone=(4, 2)).replace(source_pos=jnp.asarray([[6, 2]], jnp.int32), integrity=0.3)
        assert act("greedy", state, **ZONES) == RIGHT
        assert act("oracle", state, **ZONES) in (1, 2)

    def test_the_oracle_goes_to_the_shelter_when_it_is_time_and_greedy_does_not(self):
        for t, action in ((6, RIGHT), (5, LEFT), (4, LEFT)):
            state = state_of((4, 0), phase=WARNING, t=t, integrity=0.3)
            assert act("oracle", state, **STORMS) == action
            assert act("greedy", state, **STORMS) == RIGHT

    def test_the_oracle_stays_in_the_shelter_until_the_storms_last_step(self):
        for t, action in ((3, STAY), (2, STAY), (1, RIGHT)):
            assert act("oracle", state_of((0, 0), phase=STORM, t=t, integrity=0.3), **STORMS) == action

    def test_the_oracle_knows_false_alarms(self):
        assert act("oracle", state_of((4, 0), phase=WARNING, t=2, real=False, integrity=0.3), **STORMS) == RIGHT

    def test_the_oracle_lets_its_integrity_heal(self):
        # Food in the middle of a zone, three steps in; the way in alone would kill at 0.2 and is cheap at 1.
        for integrity, action in ((0.2, STAY), (1.0, RIGHT)):
            state = state_of((2, 2), zone=(5, 2), integrity=integrity)
            state = state.replace(source_pos=jnp.asarray([[5, 2]], jnp.int32))
            assert act("oracle", state, zone_radius=2.5, zone_integrity_loss=0.1) == action


# Means over 256 lives; four standard errors below those over 4,096.
@pytest.mark.parametrize(
    ("rung", "floor", "greedy"),
    [("L3.0", 276.7, 0.35), pytest.param("L3.1", 272.7, 0.25, marks=pytest.mark.slow), ("L3.2", 285.7, 0.3)],
)
def test_the_oracle_is_far_above_greedy(rung, floor, greedy):
    score = {policy: float(many_lives(rung, policy).fitness.mean()) for policy in ("random", "greedy", "oracle")}
    assert score["oracle"] > floor
    assert 0.0 < (score["greedy"] - score["random"]) / (score["oracle"] - score["random"]) < greedy


def scene(rung, policy="oracle"):
    record = jax.tree.map(lambda leaf: leaf[0], many_lives(rung, policy))
    return scene_of(*make(rung), record), record


def test_zones_and_pain_are_seen():
    picture, record = scene("L3.0", "greedy")
    zone = picture.layers[0]
    assert zone.name == "zone that hurts"
    hurting = {tuple(cell) for cell in zone.pos[0]}
    hurt = next(event for event in picture.events if event.name == "was hurt")
    assert {tuple(picture.path[t]) for t in hurt.times} <= hurting
    assert hurt.times.size == (record.info["lost_in_zones"][: record.num_lived] > 0).sum()


def test_shelters_storms_and_cues_are_seen():
    picture, record = scene("L3.2")
    assert picture.layers[0].name == "shelter"
    senses = {sense.name: sense.values for sense in picture.senses}
    assert list(senses) == ["gradient x", "shelter x", "cue", "storm (hidden)", "decoy"]
    np.testing.assert_array_equal(senses["storm (hidden)"] == 1, record.states.storm_phase[: record.num_lived] == STORM)
    assert 0 < senses["storm (hidden)"].mean() < 1
