"""What the reference policies do where it changes what counts, and how that looks."""

import jax
import numpy as np
import pytest
from handmade_motivation import KNOBS, LEFT, RIGHT, state_of

from koki2_envs import REFERENCE_POLICIES, make, returns, rollout
from koki2_envs.environments import Motivation
from koki2_envs.params import MotivationParams
from koki2_envs.rendering import scene_of

ENV, PARAMS = make("L4.2")


class TestPolicies:
    def act(self, policy, state):
        env, params = Motivation(), MotivationParams(**{**KNOBS, "max_steps_in_episode": 101, "energy_decay": 0.01})
        params = params.replace(hydration_decay=0.01)
        observation = env.observe(jax.random.key(0), state, None, params)
        return int(REFERENCE_POLICIES[policy](env, params, state, observation, jax.random.key(0)))

    @pytest.mark.parametrize(("switch_phi", "action"), [(1.0, RIGHT), (0.0, LEFT)])
    def test_the_oracle_goes_for_what_counts_and_greedy_for_what_is_lower(self, switch_phi, action):
        # Food at the right counts first, water at the left counts later; energy is a little lower.
        state = state_of(4, switch_phi=switch_phi, energy=0.58, hydration=0.6)
        assert self.act("oracle", state) == action
        assert self.act("greedy", state) == RIGHT

    def test_the_oracle_saves_its_life_first(self):
        # Water lasts for 10 steps more, and is 4 away; by way of the food it would be 12.
        assert self.act("oracle", state_of(4, switch_phi=1.0, energy=0.5, hydration=0.1)) == LEFT

    def test_the_oracle_goes_ahead_of_the_switch(self):
        # The switch comes in 3 steps, and either is 4 steps away.
        assert self.act("oracle", state_of(4, time=47, switch_phi=0.5)) == LEFT
        assert self.act("oracle", state_of(4, time=40, switch_phi=0.5)) == RIGHT


def test_the_oracle_is_far_above_greedy():
    keys = jax.random.split(jax.random.key(0), 32)
    score = {p: float(returns(ENV, PARAMS, p, keys).mean()) for p in ("random", "greedy", "oracle")}
    assert score["oracle"] > 190.0
    assert 0.0 < (score["greedy"] - score["random"]) / (score["oracle"] - score["random"]) < 0.3


def test_the_weights_are_seen():
    record = jax.device_get(rollout(ENV, PARAMS, "oracle", jax.random.key(1)))
    senses = {sense.name: sense.values for sense in scene_of(ENV, PARAMS, record).senses}
    assert list(senses) == ["gradient x", "water x", "weight of food", "weight of water"]
    later = np.arange(record.num_lived) / 255 >= record.states.switch_phi[0]
    np.testing.assert_array_equal(senses["weight of water"], later)
    np.testing.assert_array_equal(senses["weight of food"], ~later)
