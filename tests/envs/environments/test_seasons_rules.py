"""Two foods and their seasons: against numbers worked out by hand, laws of whole lives, policies and the picture."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import assert_same, draws
from hypothesis import given, settings
from hypothesis import strategies as st

from koki2_envs import REFERENCE_POLICIES, RUNGS, make, returns, rollout
from koki2_envs.environments import Seasons, SeasonsState
from koki2_envs.params import SeasonsParams
from koki2_envs.rendering import scene_of

STAY, UP, DOWN, LEFT, RIGHT = range(5)
KNOBS = {
    "width": 9, "height": 1, "max_steps_in_episode": 11, "energy_decay": 0.1, "energy_gain": 0.25,
    "unripe_integrity_loss": 0.3, "bad_source_integrity_loss": 0.45,
}  # fmt: skip


def state_of(pos, *, time=0, season_phi=0.5, energy=0.5, integrity=1.0, first=8, second=0, is_bad=False):
    """A life on a line of 9 cells; cells as numbers, or as (x, y)."""
    cell = lambda where: where if isinstance(where, tuple) else (where, 0)  # noqa: E731
    return SeasonsState(
        time=jnp.int32(time),
        succeeded=jnp.bool_(False),
        pos=jnp.asarray(cell(pos), jnp.int32),
        source_pos=jnp.asarray([cell(first), cell(second)], jnp.int32),
        source_is_bad=jnp.asarray([is_bad, False]),
        source_active=jnp.ones(2, bool),
        source_respawn_t=jnp.zeros(2, jnp.int32),
        energy=jnp.float32(energy),
        integrity=jnp.float32(integrity),
        season_phi=jnp.float32(season_phi),
    )


def step(state, action, **knobs):
    """One step: observation, state, reward, terminated, info."""
    return Seasons().step_env(jax.random.key(0), state, action, SeasonsParams(**{**KNOBS, **knobs}))


class TestSeason:
    # 10 steps from φ = 0 to 1: that from time 4 is at 0.4, that from time 5 at 0.5.
    @pytest.mark.parametrize(
        ("time", "at_first", "energy", "integrity", "unripe", "second_meals"),
        [
            (4, True, 0.65, 1.0, 0, 0),
            (4, False, 0.4, 0.7, 1, 0),
            (5, True, 0.4, 0.7, 1, 0),
            (5, False, 0.65, 1.0, 0, 1),
            (9, False, 0.65, 1.0, 0, 1),
        ],
    )
    def test_what_feeds_and_what_harms(self, time, at_first, energy, integrity, unripe, second_meals):
        state = state_of(7 if at_first else 1, time=time)
        _, after, reward, terminated, info = step(state, RIGHT if at_first else LEFT)
        meals = 1 - unripe
        assert float(after.energy) == pytest.approx(energy, abs=1e-6)
        assert float(after.integrity) == pytest.approx(integrity, abs=1e-6)
        assert float(info["energy_gained"]) == pytest.approx(0.25 * meals)
        assert float(info["integrity_lost"]) == pytest.approx(0.3 * unripe)
        assert [float(info[name]) for name in ("unripe_arrivals", "bad_arrivals", "second_meals")] == [
            unripe, unripe, second_meals,
        ]  # fmt: skip
        assert bool(info["reached_source"]) == bool(after.succeeded) == bool(meals)
        assert float(reward) == pytest.approx(1.0 + meals * (2.5 + 50.0))
        assert not terminated

    def test_harm_may_kill(self):
        _, after, *_, terminated, _ = step(state_of(1, integrity=0.25), LEFT)
        assert float(after.integrity) == 0.0
        assert terminated

    def test_bad_sources_feed_in_no_season_and_harm_in_each(self):
        for time in (4, 5):
            _, after, *_, info = step(state_of(7, time=time, is_bad=True), RIGHT)
            assert float(after.integrity) == pytest.approx(0.55, abs=1e-6)
            assert [float(info[name]) for name in ("energy_gained", "bad_arrivals", "unripe_arrivals")] == [0, 1, 0]

    def test_the_turn_under_an_agent_makes_no_arrival(self):
        """An agent that stands on second food when it comes into season arrived before; it must arrive again."""
        _, after, *_, info = step(state_of(0, time=5), STAY)
        assert [float(info[name]) for name in ("energy_gained", "second_meals")] == [0, 0]
        assert bool(info["reached_source"])
        assert float(after.integrity) == 1.0

    def test_what_is_eaten_is_gone_in_and_out_of_season(self):
        for time in (4, 5):
            _, after, *_ = step(state_of(7, time=time), RIGHT, deplete_sources=True, respawn_delay=3)
            assert after.source_active.tolist() == [False, True]
            assert after.source_respawn_t.tolist() == [3, 0]


class TestSenses:
    def test_two_gradients_and_nothing_of_the_season(self):
        observations = [step(state_of(3, time=time), STAY)[0] for time in (4, 5)]
        np.testing.assert_allclose(observations[0], [5 / 8, 0.0, 0.4, 1.0, -3 / 8, 0.0], atol=1e-6)
        np.testing.assert_array_equal(*observations)

    def test_they_are_silent_together(self):
        observation, *_ = step(state_of(3), STAY, grad_dropout_p=1.0)
        np.testing.assert_allclose(observation, [0, 0, 0.4, 1.0, 0, 0], atol=1e-6)

    def test_names_and_space_fit(self):
        env, params = make("L4.1")
        assert env.observation_names[4:] == ("second_x", "second_y")
        assert env.observation_space(params).shape == (6,)
        np.testing.assert_array_equal(env.observation_space(params).low[4:], [-1, -1])


class TestBirth:
    def births(self, params, n=512):
        env = make("L4.1")[0]
        keys = jax.random.split(jax.random.key(5), n)
        return jax.vmap(lambda key: env.reset_env(key, params)[1])(keys)

    def test_the_turn_is_uniform_between_its_ends(self):
        drawn = np.asarray(self.births(make("L4.1")[1]).season_phi)
        assert 0.4 <= drawn.min() < 0.41
        assert 0.59 < drawn.max() <= 0.6
        assert drawn.mean() == pytest.approx(0.5, abs=3 * 0.2 / np.sqrt(12 * drawn.size))

    def test_equal_ends_are_that_very_phase_and_draw_nothing(self):
        env, params = make("L4.1")
        fixed = params.replace(season_phi_low=0.3, season_phi_high=0.3)
        assert set(np.asarray(self.births(fixed, 8).season_phi).tolist()) == {np.float32(0.3)}
        drawn, undrawn = (
            draws(lambda key, knobs=knobs: env.reset_env(key, knobs), jax.random.key(0)) for knobs in (params, fixed)
        )
        assert drawn == undrawn + 1

    def test_ends_the_wrong_way_round_are_rejected(self):
        env, params = make("L4.1")
        with pytest.raises(ValueError, match=r"season_phi_low must be at most season_phi_high = 0\.6, got 0\.7"):
            env.check_params(params.replace(season_phi_low=0.7))

    def test_the_first_food_lies_where_foraging_has_its_sources(self):
        key, params = jax.random.key(2), make("L4.1")[1]
        env, plain = make("L4.1")[0], make("L1.0", num_sources=3)
        _, state = env.reset_env(key, params)
        _, other = plain[0].reset_env(key, plain[1].replace(width=10, height=10))
        np.testing.assert_array_equal(state.source_pos[:3], other.source_pos)

    def test_what_is_not_trained_on_is_another_time(self):
        side, knobs = RUNGS["L4.1"].held_out, RUNGS["L4.1"].default_params
        assert side["season_phi_high"] < knobs.season_phi_low


@functools.cache
def walk(seed):
    """A life of random moves: states, infos, and until when it was lived."""
    env, params = make("L4.1")
    life = jax.device_get(rollout(env, params, "random", jax.random.key(seed)))
    return life.lived_states, {name: values[: life.num_lived] for name, values in life.info.items()}


class TestLaws:
    @settings(max_examples=8)
    @given(seed=st.integers(0, 2**16))
    def test_body_and_season_over_a_life_of_random_moves(self, seed):
        states, info = walk(seed)
        params = make("L4.1")[1]
        phi = states.time[:-1] / (params.max_steps_in_episode - 1)
        assert len(set(states.season_phi.tolist())) == 1
        turned = phi.astype(np.float32) >= states.season_phi[0]
        assert not info["second_meals"][~turned].any()
        expected = np.clip(states.energy[:-1] - params.energy_decay + info["energy_gained"], 0, 1)
        np.testing.assert_allclose(states.energy[1:], expected, atol=1e-6)
        lost = params.unripe_integrity_loss * info["unripe_arrivals"]
        np.testing.assert_allclose(states.integrity[1:], np.maximum(states.integrity[:-1] - lost, 0), atol=1e-6)

    @settings(max_examples=20)
    @given(
        pos=st.tuples(st.integers(0, 3), st.integers(0, 3)), action=st.integers(0, 4), time=st.integers(0, 10),
        season_phi=st.floats(0, 1, width=32), first=st.tuples(st.integers(0, 3), st.integers(0, 3)),
        second=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    )  # fmt: skip
    def test_turning_the_year_swaps_the_foods(self, pos, action, time, season_phi, first, second):
        """In the other season the two foods do to the body what the other one did."""
        knobs = {"width": 4, "height": 4}
        state = state_of(pos, time=time, season_phi=season_phi, first=first, second=second)
        early = bool(time / 10 < season_phi)
        swapped = state_of(pos, time=time, season_phi=0.0 if early else 2.0, first=second, second=first)
        ours, theirs = (step(each, action, **knobs)[1] for each in (state, swapped))
        assert (float(ours.energy), float(ours.integrity)) == (float(theirs.energy), float(theirs.integrity))

    def test_knobs_as_inputs_change_nothing(self):
        env, params = make("L4.1")
        key = jax.random.key(11)
        _, state = env.reset_env(key, params)
        assert_same(env.step_env(key, state, 3, params), jax.jit(env.step_env)(key, state, 3, params))


def chosen(policy, state, **knobs):
    env, params = Seasons(), SeasonsParams(**{**KNOBS, **knobs})
    observation = env.observe(jax.random.key(0), state, None, params)
    return int(REFERENCE_POLICIES[policy](env, params, state, observation, jax.random.key(1)))


class TestPolicies:
    def test_greedy_follows_the_first_food_in_every_season(self):
        assert [chosen("greedy", state_of(2, time=time)) for time in (0, 9)] == [RIGHT, RIGHT]

    def test_oracle_goes_where_it_will_be_fed(self):
        assert [chosen("oracle", state_of(2, time=time)) for time in (5, 9)] == [LEFT, LEFT]
        assert chosen("oracle", state_of(5, time=0)) == RIGHT  # there with the third step, at φ = 0.2
        assert chosen("oracle", state_of(5, time=2)) == RIGHT  # at φ = 0.4
        assert chosen("oracle", state_of(5, time=3)) == LEFT  # it would come at φ = 0.5, too late

    def test_oracle_waits_beside_the_second_food_for_the_turn(self):
        beside = {"first": 8, "second": 0}
        assert chosen("oracle", state_of(1, time=4, **beside)) == STAY
        assert chosen("oracle", state_of(1, time=5, **beside)) == LEFT

    def test_oracle_walks_around_what_is_out_of_season(self):
        ahead = state_of((0, 1), first=(2, 1), second=(1, 1))
        plane = {"width": 3, "height": 3, "max_steps_in_episode": 256}
        assert chosen("oracle", ahead, **plane) in (UP, DOWN)
        assert chosen("oracle", ahead, **plane, unripe_integrity_loss=0.0) == RIGHT

    def test_what_each_is_worth(self):
        env, params = make("L4.1")
        keys = jax.random.split(jax.random.key(0), 64)
        means = {name: float(returns(env, params, name, keys).mean()) for name in ("random", "greedy", "oracle")}
        assert means["oracle"] > 250
        assert means["random"] < 70 < 120 < means["greedy"] < 165


def test_what_is_to_be_seen():
    env, params = make("L4.1")
    scene = scene_of(env, params, rollout(env, params, "oracle", jax.random.key(1)))
    assert [layer.name for layer in scene.layers] == ["first food", "second food"]
    assert {"ate the first", "ate the second"} <= {event.name for event in scene.events}
    curves = {curve.name: curve.values for curve in scene.senses}
    assert {"second x", "second y"} <= curves.keys()
    season = curves["season (hidden)"]
    turn = int(np.argmax(season))
    assert set(season[:turn].tolist()) == {0.0}
    assert set(season[turn:].tolist()) == {1.0}
    eaten = {event.name: event.times for event in scene.events}
    assert eaten["ate the first"].max() <= turn < eaten["ate the second"].min()
