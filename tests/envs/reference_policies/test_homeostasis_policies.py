"""Food and water: laws that hold in every life, what the reference policies do, and how it looks."""

import jax
import numpy as np
import pytest
from handmade_homeostasis import DOWN, LEFT, RIGHT, UP, params_of, state_of, world_of
from hypothesis import given, settings
from hypothesis import strategies as st

from koki2_envs import REFERENCE_POLICIES, make, returns, rollout
from koki2_envs.rendering import scene_of


class TestConservation:
    @settings(max_examples=12)
    @given(seed=st.integers(0, 2**31 - 1))
    def test_bodies_change_by_what_is_lost_and_gained_and_sources_are_kept(self, seed):
        env, params = make("L2.2")
        params = params.replace(width=7, height=5)
        life = jax.device_get(rollout(env, params, "random", jax.random.key(seed), num_steps=60))
        info = life.info
        states, after = (
            jax.tree.map(lambda leaf, now=now: leaf[now], life.states) for now in (slice(60), slice(1, 61))
        )
        for name, decay, gain in (("energy", 0.0125, "energy_gained"), ("hydration", 0.0125, "water_gained")):
            expected = np.clip(getattr(states, name) - decay + info[gain], 0, 1)
            np.testing.assert_allclose(getattr(after, name), expected, atol=1e-6)
        np.testing.assert_allclose(
            after.integrity,
            np.clip(states.integrity - 0.25 * info["salty_arrivals"], 0, 1),
            atol=1e-6,
        )
        assert (states.source_is_bad.sum(axis=1) == 3).all()
        assert not states.source_is_bad[:, :3].any()
        for name in ("layout", "food_box", "water_box", "source_is_bad"):
            assert (getattr(states, name) == getattr(states, name)[0]).all()
        assert life.alive[0]


class TestPolicies:
    def act(self, policy, state, num_water=1, **knobs):
        env, params = world_of(state, num_water), params_of(**{"max_steps_in_episode": 100, **knobs})
        observation = env.observe(jax.random.key(0), state, None, params)
        return int(REFERENCE_POLICIES[policy](env, params, state, observation, jax.random.key(0)))

    def test_greedy_takes_what_is_nearer_though_it_thirsts(self):
        state = state_of((4, 2), [(3, 2)], [(8, 2)], hydration=0.3, energy=1.0)
        assert self.act("greedy", state) == LEFT
        assert self.act("oracle", state) == RIGHT

    def test_the_oracle_takes_what_is_nearer_while_there_is_time(self):
        knobs = {"energy_decay": 0.01, "hydration_decay": 0.01}
        assert self.act("oracle", state_of((4, 2), [(3, 2)], [(8, 2)]), **knobs) == LEFT
        assert self.act("oracle", state_of((4, 2), [(0, 2)], [(5, 2)]), **knobs) == RIGHT

    def test_the_oracle_goes_around_salt(self):
        state = state_of((4, 2), [(0, 0)], [(6, 2), (5, 2)], salty=(1,), hydration=0.5, energy=1.0)
        # The longer the life that is left, the dearer the harm.
        assert self.act("oracle", state, num_water=2, max_steps_in_episode=400) in (UP, DOWN)
        assert self.act("oracle", state, num_water=2, max_steps_in_episode=10) == RIGHT

    def test_the_oracle_drinks_salt_where_there_is_no_other_water(self):
        state = state_of((4, 2), [(0, 0)], [(5, 2)], salty=(0,), hydration=0.15, energy=1.0)
        assert self.act("oracle", state) == RIGHT

    @pytest.mark.parametrize(("rung", "floor"), [("L2.0", 395.0), ("L2.2", 400.0)])
    def test_the_oracle_is_strong(self, rung, floor):
        assert float(returns(*make(rung), "oracle", jax.random.split(jax.random.key(0), 64)).mean()) > floor


def test_the_scene_shows_food_water_salt_and_thirst():
    env, params = make("L2.1")
    params = params.replace(max_steps_in_episode=100)
    record = rollout(env, params, "greedy", jax.random.key(2))
    scene = scene_of(env, params, record)
    assert [layer.name for layer in scene.layers] == ["food", "water", "salty water"]
    assert [layer.pos.shape[1] for layer in scene.layers] == [3, 3, 3]
    assert [level.name for level in scene.levels] == ["energy", "integrity", "hydration"]
    assert {"water x", "water y"} <= {sense.name for sense in scene.senses}
    salty = np.flatnonzero(record.info["salty_arrivals"][: record.num_lived] > 0) + 1
    (event,) = [event for event in scene.events if event.name == "drank salt"]
    np.testing.assert_array_equal(event.times, salty)
