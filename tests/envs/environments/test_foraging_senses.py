"""What is sensed in the foraging worlds, and at which phase everything happens, against numbers worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from handmade_foraging import RIGHT, STAY, state_of, step

from koki2_envs import ramp
from koki2_envs.environments import Foraging
from koki2_envs.knobs import knob_fields, spec_of
from koki2_envs.params import ForagingParams


def see(state, *, seed=0, **knobs):
    """What is sensed after staying for a step."""
    return np.asarray(step(state, STAY, seed=seed, **knobs)[0])


class TestSenses:
    def test_the_gradient_is_scaled_by_the_world(self):
        np.testing.assert_allclose(see(state_of((4, 2), [[7, 0]])), [3 / 8, -2 / 4, 0.4, 1.0], atol=1e-6)

    def test_a_line_has_no_gradient_across_it(self):
        np.testing.assert_allclose(see(state_of((4, 0), [[7, 0]]), height=1)[:2], [3 / 8, 0.0])

    def test_nearness_is_the_direction_over_the_distance(self):
        near = see(state_of((4, 2), [[7, 0]]), smell_law="nearness")
        np.testing.assert_allclose(near, [3 / 13, -2 / 13, 0.4, 1.0], atol=1e-6)
        np.testing.assert_allclose(see(state_of((4, 2), [[4, 3]]), smell_law="nearness")[:2], [0, 1], atol=1e-6)
        # The one in its own cell is not smelled, so the other is.
        np.testing.assert_allclose(see(state_of((4, 2), [[4, 2], [6, 2]]), smell_law="nearness")[:2], [0.5, 0.0])
        np.testing.assert_allclose(see(state_of((4, 2), [[4, 2], [6, 2]]))[:2], [0.0, 0.0])
        np.testing.assert_array_equal(see(state_of((4, 2), [[4, 2]]), smell_law="nearness")[:2], [0, 0])

    def test_a_traced_law_of_smell_is_the_law(self):
        laws = jax.vmap(lambda law: step(state_of((4, 2), [[4, 2], [7, 0]]), STAY, smell_law=law)[0])(jnp.arange(2))
        np.testing.assert_allclose(laws[:, :2], [[0, 0], [3 / 13, -2 / 13]], atol=1e-6)

    def test_the_nearest_is_euclidean(self):
        # (2, 2) away is nearer than (3, 0) away, although it takes more steps to walk there.
        np.testing.assert_allclose(see(state_of((4, 0), [[7, 0], [6, 2]]))[:2], [2 / 8, 2 / 4])

    def test_ties_go_to_the_lowest_index(self):
        np.testing.assert_allclose(see(state_of((4, 2), [[6, 2], [2, 2]]))[:2], [2 / 8, 0.0])
        np.testing.assert_allclose(see(state_of((4, 2), [[2, 2], [6, 2]]))[:2], [-2 / 8, 0.0])

    def test_inactive_sources_have_no_smell(self):
        nothing = see(state_of((4, 2), [[6, 2]], active=[False], timers=[9]), deplete_sources=True)
        np.testing.assert_allclose(nothing[:2], 0.0)
        other = see(state_of((4, 2), [[6, 2], [0, 2]], active=[False, True], timers=[9, 0]), deplete_sources=True)
        np.testing.assert_allclose(other[:2], [-4 / 8, 0.0])

    def test_good_only_gradient(self):
        both = state_of((4, 2), [[5, 2], [1, 2]], bad=[True, False])
        np.testing.assert_allclose(see(both)[:2], [1 / 8, 0.0])
        np.testing.assert_allclose(see(both, good_only_gradient=True)[:2], [-3 / 8, 0.0])
        np.testing.assert_allclose(see(state_of((4, 2), [[5, 2]], bad=[True]), good_only_gradient=True)[:2], 0.0)

    @pytest.mark.parametrize(("smell", "factor"), [(0.0, 1.0), (0.25, 0.5), (0.5, 0.0), (1.0, -1.0)])
    def test_hazard_smell(self, smell, factor):
        near_bad = state_of((4, 2), [[6, 1], [0, 2]], bad=[True, False])
        np.testing.assert_allclose(see(near_bad, hazard_smell=smell)[:2], [factor * 2 / 8, factor * -1 / 4], atol=1e-6)
        near_good = state_of((4, 2), [[6, 1], [0, 2]], bad=[False, True])
        np.testing.assert_allclose(see(near_good, hazard_smell=smell)[:2], [2 / 8, -1 / 4])

    @pytest.mark.parametrize(("radius", "sensed"), [(0.0, True), (3.6, False), (3.61, True), (9.0, True)])
    def test_sense_radius_is_euclidean_and_0_is_without_limit(self, radius, sensed):
        # (3, −2) away: √13 = 3.606.
        expected = [3 / 8, -2 / 4] if sensed else [0.0, 0.0]
        np.testing.assert_allclose(see(state_of((4, 2), [[7, 0]]), sense_radius=radius)[:2], expected)

    def test_beyond_the_sense_radius_nothing_farther_is_sensed_instead(self):
        # The nearest is out of reach, so that all are.
        assert not see(state_of((4, 2), [[8, 2], [0, 0]]), sense_radius=2.0)[:2].any()

    @pytest.mark.parametrize(("bins", "expected"), [(0.0, 3 / 8), (4.0, 0.5), (1.0, 0.0), (16.0, 3 / 8), (2.5, 0.4)])
    def test_grad_bins(self, bins, expected):
        assert see(state_of((4, 2), [[7, 2]]), grad_bins=bins)[0] == pytest.approx(expected)

    def test_grad_gain(self):
        np.testing.assert_allclose(see(state_of((4, 2), [[7, 0]]), grad_gain=2.0)[:2], [6 / 8, -4 / 4])

    def test_dropout_is_one_coin_for_both_components(self):
        state = state_of((4, 2), [[7, 0]])
        assert not see(state, grad_dropout_p=1.0)[:2].any()
        seen = np.stack([see(state, grad_dropout_p=0.5, seed=i)[:2] for i in range(48)])
        silent = (seen == 0).all(axis=1)
        assert 8 < silent.sum() < 40
        np.testing.assert_allclose(seen[~silent], [[3 / 8, -2 / 4]] * int((~silent).sum()))

    def test_noise_reaches_every_sense_and_only_the_senses(self):
        state = state_of((4, 2), [[7, 0]])
        seen = np.stack([see(state, obs_noise=0.5, seed=i) for i in range(64)])
        assert np.allclose(seen.mean(axis=0), [3 / 8, -1 / 2, 0.4, 1.0], atol=4 * 0.5 / 8)
        assert np.allclose(seen.std(axis=0), 0.5, atol=0.2)
        assert float(step(state, STAY, obs_noise=0.5)[1].energy) == pytest.approx(0.4)

    def test_quantising_comes_before_amplifying(self):
        # round(3/8 · 2)/2 · 3 = 1.5; amplified first it would be round(9/8 · 2)/2 = 1.
        assert see(state_of((4, 2), [[7, 2]]), grad_bins=2.0, grad_gain=3.0)[0] == pytest.approx(1.5)

    def test_the_smell_of_a_hazard_comes_before_quantising(self):
        # 3/8 · (1 − 2·0.3) = 0.15, quantised to 0; the other way round it would be 0.5 · 0.4 = 0.2.
        assert see(state_of((4, 2), [[7, 2]], bad=[True]), hazard_smell=0.3, grad_bins=2.0)[0] == 0.0

    def test_dropout_does_not_silence_the_noise(self):
        assert see(state_of((4, 2), [[7, 0]]), grad_dropout_p=1.0, obs_noise=0.5)[:2].all()


class TestPhase:
    KNOBS = {"grad_gain": ramp(0.0, 1.0), "max_steps_in_episode": 5}  # noqa: RUF012

    def test_reset_is_at_phase_zero(self):
        observation, _ = Foraging().reset_env(jax.random.key(3), ForagingParams(**self.KNOBS))
        np.testing.assert_array_equal(observation[:2], 0.0)

    @pytest.mark.parametrize(("time", "gain"), [(0, 0.0), (1, 0.15625), (2, 0.5), (3, 0.84375), (4, 1.0)])
    def test_a_transition_and_what_it_shows_are_at_the_phase_of_its_start(self, time, gain):
        assert see(state_of((4, 2), [[8, 2]], time=time), **self.KNOBS)[0] == pytest.approx(gain * 4 / 8, abs=1e-6)

    @pytest.mark.parametrize(("time", "gain"), [(0, 0.0), (2, 0.5), (4, 1.0)])
    def test_the_body_follows_schedules(self, time, gain):
        knobs = {"energy_gain": ramp(0.0, 1.0), "bad_source_integrity_loss": ramp(0.0, 0.8), "max_steps_in_episode": 5}
        meal = state_of((3, 2), [[4, 2], [4, 2]], bad=[False, True], time=time)
        info = step(meal, RIGHT, **knobs)[4]
        assert float(info["energy_gained"]) == pytest.approx(gain)
        assert float(info["integrity_lost"]) == pytest.approx(0.8 * gain)

    @pytest.mark.parametrize(("time", "share"), [(0, 0.0), (2, 0.5), (4, 1.0)])
    def test_the_reward_follows_schedules(self, time, share):
        weights = {"survival_reward": 2.0, "energy_reward": 8.0, "success_bonus": 20.0, "drive_reward": 4.0}
        knobs = {name: ramp(0.0, value) for name, value in weights.items()}
        _, _, reward, _, info = step(state_of((3, 2), [[4, 2]], time=time), RIGHT, max_steps_in_episode=5, **knobs)
        expected = 2 + 8 * 0.25 + 20 + 4 * float(info["drive_reduction"])
        assert float(reward) == pytest.approx(share * expected, rel=1e-5)

    def test_every_knob_that_takes_schedules_follows_them(self):
        for name, field in knob_fields(ForagingParams).items():
            if spec_of(field).scheduled:
                steady = {"deplete_sources": True, name: ramp(field.default, field.default)}
                state = state_of((3, 2), [[4, 2], [4, 2]], bad=[False, True])
                plain = {"deplete_sources": True, name: field.default}
                got, expected = step(state, RIGHT, **steady), step(state, RIGHT, **plain)
                for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
                    np.testing.assert_allclose(a, b, atol=1e-6, err_msg=name)

    def test_energy_at_birth_is_the_schedules_start(self):
        _, state = Foraging().reset_env(jax.random.key(0), ForagingParams(energy_init=ramp(0.25, 1.0)))
        assert float(state.energy) == 0.25
