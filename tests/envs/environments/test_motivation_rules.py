"""What counts changes: against numbers worked out by hand, and laws of whole lives."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import assert_same, draws
from handmade_motivation import LEFT, RIGHT, STAY, state_of, step
from hypothesis import given, settings
from hypothesis import strategies as st

from koki2_envs import make, rollout
from koki2_envs.environments import Motivation
from koki2_envs.params import MotivationParams


class TestSwitch:
    # Energy 0.5 → 0.4 and hydration 0.5 → 0.45, both short of 1, by the weights before and after.
    BEFORE = 2.0 * (0.25 - 0.36) + 0.5 * (0.25 - 0.3025)
    AFTER = 0.25 * (0.25 - 0.36) + 3.0 * (0.25 - 0.3025)

    @pytest.mark.parametrize(("time", "expected"), [(4, BEFORE), (5, AFTER), (6, AFTER)])
    def test_the_later_weights_hold_from_the_phase_on(self, time, expected):
        # T = 11: the step from time 5 on has phase 0.5, which is that of the switch.
        info = step(state_of(4, time=time), STAY)[4]
        assert float(info["drive_reduction"]) == pytest.approx(expected, abs=1e-6)

    def test_the_step_of_the_switch_takes_both_drives_by_its_own_weights(self):
        # Nothing changes in the body, so nothing is paid, though D goes from 0.625 to 0.8125.
        still = {"energy_decay": 0.0, "hydration_decay": 0.0}
        for time, drive in ((4, 0.625), (5, 0.8125)):
            info = step(state_of(4, time=time), STAY, **still)[4]
            assert float(info["drive_reduction"]) == 0.0
            assert float(info["drive"]) == pytest.approx(drive)

    def test_integrity_keeps_its_weight(self):
        state = state_of(4, time=8).replace(integrity=jnp.float32(0.5))
        info = step(state, STAY, integrity_drive_weight=4.0)[4]
        assert float(info["drive"]) == pytest.approx(0.8125 + 4.0 * 0.25)

    def test_it_is_not_sensed(self):
        before, after = (step(state_of(4, time=5, switch_phi=phi), STAY)[0] for phi in (1.0, 0.0))
        np.testing.assert_array_equal(before, after)


class TestReward:
    def test_the_drive_costs_what_it_was_at_the_beginning_of_the_step(self):
        _, _, reward, _, info = step(state_of(7), RIGHT, drive_cost=2.0, energy_reward=0.0, success_bonus=0.0)
        assert float(info["energy_gained"]) == 0.25
        assert float(reward) == pytest.approx(1.0 - 2.0 * (2.0 * 0.25 + 0.5 * 0.25))

    def test_cost_drinking_and_reductions_add_up(self):
        knobs = {"drive_cost": 1.0, "drive_reward": 4.0, "hydration_reward": 8.0}
        reward = step(state_of(1), LEFT, **knobs)[2]
        # Hydration 0.5 → 0.7, energy 0.5 → 0.4.
        reduction = 2.0 * (0.25 - 0.36) + 0.5 * (0.25 - 0.09)
        assert float(reward) == pytest.approx(1.0 - 0.625 + 8.0 * 0.25 + 4.0 * reduction, abs=1e-5)


class TestBirth:
    def born(self, low, high):
        params = MotivationParams(switch_phi_low=low, switch_phi_high=high)
        birth = jax.vmap(lambda key: Motivation().reset_env(key, params)[1].switch_phi)
        return np.asarray(jax.jit(birth)(jax.random.split(jax.random.key(0), 1024)))

    def test_the_phase_is_uniform_between_its_ends(self):
        phis = self.born(0.2, 0.6)
        assert phis.min() >= 0.2
        assert phis.max() <= 0.6
        shares = np.histogram(phis, bins=4, range=(0.2, 0.6))[0] / phis.size
        np.testing.assert_allclose(shares, 0.25, atol=4 * np.sqrt(0.25 * 0.75 / phis.size))

    def test_equal_ends_are_that_phase_and_draw_nothing(self):
        assert (self.born(0.3, 0.3) == np.float32(0.3)).all()
        same, apart = (MotivationParams(switch_phi_high=high) for high in (0.5, 0.75))
        counts = [draws(functools.partial(Motivation().reset_env, params=p), jax.random.key(0)) for p in (same, apart)]
        assert counts[1] == counts[0] + 1

    def test_a_step_draws_nothing(self):
        assert draws(functools.partial(step, drive_cost=1.0), state_of(4), STAY) == 0

    def test_low_above_high_is_rejected(self):
        with pytest.raises(ValueError, match=r"switch_phi_low must be at most switch_phi_high = 0\.5, got 0\.75"):
            Motivation(default_params=MotivationParams(switch_phi_low=0.75))

    def test_traced_knobs_give_the_same_lives(self):
        env, params = make("L4.2")

        def birth_and_step(params, key):
            _, state = env.reset_env(key, params)
            return env.step_env(key, state.replace(time=jnp.int32(128)), RIGHT, params)

        keys = jax.random.split(jax.random.key(0), 16)
        traced = jax.jit(jax.vmap(birth_and_step, in_axes=(None, 0)))(params, keys)
        assert_same(traced, jax.jit(jax.vmap(functools.partial(birth_and_step, params)))(keys))


class TestWholeLives:
    ENV, PARAMS = make("L4.2")

    @settings(max_examples=8)
    @given(seed=st.integers(0, 2**31 - 1))
    def test_reductions_add_up_to_the_drives_at_the_ends_of_both_seasons(self, seed):
        life = jax.device_get(rollout(self.ENV, self.PARAMS, "random", jax.random.key(seed), 200))
        states, rewards, info = life.states, life.rewards, life.info
        switch = int(np.flatnonzero(np.arange(201) / 255 >= states.switch_phi[0])[0])
        energy, hydration = (np.square(1.0 - getattr(states, name)) for name in ("energy", "hydration"))
        expected = energy[0] - energy[switch] + hydration[switch] - hydration[200]
        assert info["drive_reduction"].sum() == pytest.approx(expected, abs=1e-4)
        drive = np.where(np.arange(200) < switch, energy[:200], hydration[:200])
        np.testing.assert_allclose(info["drive"], drive, atol=1e-6)
        np.testing.assert_allclose(rewards, 1.0 - 2.0 * drive, atol=1e-5)
        assert (states.switch_phi == states.switch_phi[0]).all()
        assert 0.25 <= states.switch_phi[0] <= 0.75
