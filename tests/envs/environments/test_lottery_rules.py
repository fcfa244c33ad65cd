"""The valence lottery against numbers worked out by hand, and laws of its draws and of whole lives."""

from functools import partial
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import draws

from koki2_envs import make, rollout
from koki2_envs.environments import Lottery, LotteryState
from koki2_envs.mechanics.lottery import ALIKE, ALL, UNLIKE, draw_winners
from koki2_envs.mechanics.rng import Feature, Rng
from koki2_envs.params import LotteryParams

STAY, UP, DOWN, LEFT, RIGHT = range(5)
CELLS = [(0, 0), (6, 4), (4, 0), (8, 8)]  # two of the first smell, two of the second
KNOBS = {
    "width": 9, "height": 9, "max_steps_in_episode": 11, "energy_decay": 0.1, "energy_gain": 0.25,
    "bad_source_integrity_loss": 0.3, "integrity_healing": 0.05, "harm_cost": 4.0, "smell_law": "nearness",
    "survival_reward": 0.0, "success_bonus": 0.0, "reversal_phi_low": 0.5, "reversal_phi_high": 0.5,
}  # fmt: skip
ENV = Lottery(num_smells=2, sources_per_smell=2)


def state_of(pos, *, time=0, first_feeds=True, reversal_phi=0.5, row=0, cells=CELLS):
    """A life at half energy and integrity."""
    return LotteryState(
        time=jnp.int32(time),
        succeeded=jnp.bool_(False),
        pos=jnp.asarray(pos, jnp.int32),
        source_pos=jnp.asarray(cells, jnp.int32),
        source_is_bad=jnp.asarray([not first_feeds] * 2 + [first_feeds] * 2),
        source_active=jnp.ones(4, bool),
        source_respawn_t=jnp.zeros(4, jnp.int32),
        energy=jnp.float32(0.5),
        integrity=jnp.float32(0.5),
        reversal_phi=jnp.float32(reversal_phi),
        good_in_a_row=jnp.int32(row),
    )


@partial(jax.jit, static_argnames="params")
def compiled_step(state, action, params):
    return ENV.step_env(jax.random.key(0), state, action, params)


PARAMS = LotteryParams(**KNOBS)


def step(state, action, params=PARAMS):
    """One step: observation, state, reward, terminated, info."""
    return jax.device_get(compiled_step(state, action, params))


class TestBites:
    @pytest.mark.parametrize("from_cell", [(1, 0), (5, 4)])
    @pytest.mark.parametrize("feeds", [True, False])
    def test_both_sources_of_a_smell_feed_or_harm(self, from_cell, feeds):
        _, after, reward, terminated, info = step(
            state_of(from_cell, first_feeds=feeds), LEFT if from_cell[0] == 1 else RIGHT
        )
        assert after.energy == pytest.approx(0.65 if feeds else 0.4)
        assert after.integrity == pytest.approx(0.55 if feeds else 0.25)
        assert reward == pytest.approx(2.5 if feeds else -4.0 * 0.3)
        assert (info["good_arrivals"], info["bad_arrivals"]) == (feeds, not feeds)
        assert info["integrity_lost"] == pytest.approx(0.0 if feeds else 0.3)
        assert bool(info["reached_source"]) == feeds
        assert not terminated

    def test_the_last_step_before_the_reversal_and_the_first_after_it(self):
        """Of 11 steps that from time 5 is at φ = 0.5, which is not beyond 0.5; that from time 6 is."""
        _, at_5, _, _, info = step(state_of((1, 0), time=5), LEFT)
        assert info["good_arrivals"] == 1
        assert at_5.source_is_bad.tolist() == [True, True, False, False]
        _, at_6, _, _, info = step(at_5.replace(pos=jnp.asarray([5, 4], jnp.int32)), RIGHT)
        assert (info["good_arrivals"], info["bad_arrivals"]) == (0, 1)
        assert at_6.source_is_bad.tolist() == [True, True, False, False]
        for time in (0, 4, 6, 10):
            assert step(state_of((2, 2), time=time), STAY)[1].source_is_bad.tolist() == [False, False, True, True]

    def test_a_reversal_at_phase_1_never_comes_whether_the_knob_is_known_or_traced(self):
        def last(low, high):
            params = LotteryParams(**{**KNOBS, "reversal_phi_low": low, "reversal_phi_high": high})
            state = state_of((1, 0), time=10, reversal_phi=1.0)
            return ENV.step_env(jax.random.key(0), state, jnp.int32(LEFT), params)[1]

        for end in (last(1.0, 1.0), jax.jit(last)(jnp.float32(1.0), jnp.float32(1.0))):
            assert end.source_is_bad.tolist() == [False, False, True, True]
            assert float(end.energy) == pytest.approx(0.65)


class TestSenses:
    def test_each_smell_and_energy_and_nothing_else(self):
        observation, *_ = step(state_of((4, 4)), STAY)
        # Of the first smell (6, 4) is nearer than (0, 0); (4, 0) and (8, 8) of the second: 4 away, and 5.66.
        np.testing.assert_allclose(observation, [0.5, 0.0, 0.0, -0.25, 0.4], atol=1e-6)
        observation, *_ = step(state_of((3, 1)), STAY)
        np.testing.assert_allclose(observation, [-0.3, -0.1, 0.5, -0.5, 0.4], atol=1e-6)
        assert ENV.observation_names == ("smell_1_x", "smell_1_y", "smell_2_x", "smell_2_y", "energy")
        assert len(ENV.observation_scales) == ENV.observation_space(PARAMS).shape[0] == 5

    def test_what_lies_in_the_agents_own_cell_is_not_smelled(self):
        observation, *_ = step(state_of((6, 4)), STAY)
        np.testing.assert_allclose(observation[:2], [-6 / 52, -4 / 52], atol=1e-6)
        alone, *_ = step(state_of((6, 4), cells=[(6, 4), (6, 4), (4, 0), (8, 8)]), STAY)
        np.testing.assert_array_equal(alone[:2], [0, 0])

    def test_displacement_and_dropout_as_in_foraging(self):
        observation, *_ = step(state_of((3, 1)), STAY, LotteryParams(**{**KNOBS, "smell_law": "displacement"}))
        np.testing.assert_allclose(observation, [-3 / 8, -1 / 8, 1 / 8, -1 / 8, 0.4], atol=1e-6)
        silent, *_ = step(state_of((3, 1)), STAY, LotteryParams(**{**KNOBS, "grad_dropout_p": 1.0}))
        np.testing.assert_allclose(silent, [0, 0, 0, 0, 0.4], atol=1e-6)


class TestInfo:
    @pytest.mark.parametrize(
        ("time", "third", "steps"), [(0, 1, 4), (3, 1, 4), (4, 2, 4), (7, 2, 4), (8, 3, 3), (10, 3, 3)]
    )
    def test_each_third_counts_its_own_steps(self, time, third, steps):
        """11 steps divide into 4, 4 and 3."""
        for feeds in (True, False):
            *_, reward, _, info = step(state_of((1, 0), time=time, first_feeds=feeds), LEFT)
            for other in (1, 2, 3):
                inside = other == third
                assert info[f"good_third_{other}"] == (feeds and inside)
                assert info[f"bad_third_{other}"] == (not feeds and inside)
                assert info[f"reward_third_{other}"] == pytest.approx(float(reward) / steps if inside else 0.0)

    def test_recovery_takes_five_good_bites_in_a_row(self):
        def bite(time, row, feeds=True):
            _, after, *_, info = step(state_of((1, 0), time=time, row=row, first_feeds=feeds), LEFT)
            return int(after.good_in_a_row), float(info["recovery_steps"])

        assert bite(3, 7) == (8, 0), "before the reversal nothing has to be recovered from"
        assert bite(5, 7) == (0, 0), "the row begins anew with the reversal"
        assert [bite(7, row) for row in (0, 3, 4)] == [(1, 1), (4, 1), (5, 1)]
        assert bite(7, 4, feeds=False) == (0, 1)
        assert bite(7, 5, feeds=False) == (5, 0), "recovered is recovered"


class TestDraws:
    @pytest.mark.parametrize(("kinds", "winners"), [(4, 2), (5, 2), (2, 1)])
    def test_every_set_that_counts_is_as_likely(self, kinds, winners):
        keys = jax.random.split(jax.random.key(7), 6000)
        for sets in (ALL, UNLIKE, ALIKE):
            wanted = [
                each for each in combinations(range(kinds), winners)
                if sets == ALL or ((0 in each) == (1 in each)) == (sets == ALIKE)
            ]  # fmt: skip
            if not wanted:
                continue  # such params are rejected
            drawn = np.asarray(_many(keys, kinds, jnp.int32(winners), jnp.int32(sets)))
            counts = np.asarray([np.sum(np.all(drawn == np.isin(np.arange(kinds), each), axis=1)) for each in wanted])
            assert counts.sum() == 6000
            share = 1 / len(wanted)
            assert (abs(counts - 6000 * share) <= 4 * np.sqrt(6000 * share * (1 - share))).all()

    def test_without_a_reversal_no_phase_is_drawn(self):
        env, params = make("L5.1")
        never = params.replace(reversal_phi_low=1.0, reversal_phi_high=1.0)
        drawn, undrawn = (draws(lambda key, p=p: env.reset_env(key, p), jax.random.key(0)) for p in (params, never))
        assert drawn == undrawn + 1


@partial(jax.jit, static_argnames="kinds")
def _many(keys, kinds, winners, sets):
    return jax.vmap(lambda key: draw_winners(Rng(key, Feature.VALENCE), kinds, winners, sets))(keys)


@pytest.fixture(scope="module")
def lives():
    """World, params and the record of 64 random lives in L5.1."""
    env, params = make("L5.1")
    keys = jax.random.split(jax.random.key(5), 64)
    return env, params, jax.device_get(jax.vmap(lambda key: rollout(env, params, "random", key))(keys))


class TestLives:
    def test_half_of_the_smells_feed_at_any_time_and_all_turn_once(self, lives):
        _, _, life = lives
        feeds = ~life.states.source_is_bad.reshape(*life.states.source_is_bad.shape[:2], 4, 2)
        assert (feeds[..., 0] == feeds[..., 1]).all()
        feeds = feeds[:, :-1, :, 0]
        assert (feeds.sum(axis=-1) == 2).all()
        assert (feeds[..., 0] != feeds[..., 1]).all(), "smells 1 and 2 are unlike in this rung"
        phases = life.states.reversal_phi[:, 0]
        assert 0.4 <= phases.min() < phases.max() <= 0.6
        assert phases.mean() == pytest.approx(0.5, abs=3 * 0.2 / np.sqrt(12 * phases.size))
        reversed_ = np.arange(256) / 255 > life.states.reversal_phi[:, :-1]
        np.testing.assert_array_equal(feeds, feeds[:, :1] ^ reversed_[..., None])

    def test_thirds_make_up_the_life(self, lives):
        _, _, life = lives
        info = {name: np.where(life.alive, values, 0).sum(axis=1) for name, values in life.info.items()}
        for whole, part in (("good_arrivals", "good"), ("bad_arrivals", "bad")):
            np.testing.assert_allclose(sum(info[f"{part}_third_{i}"] for i in (1, 2, 3)), info[whole])
        reward = sum(info[f"reward_third_{i}"] * steps for i, steps in ((1, 86), (2, 85), (3, 85)))
        np.testing.assert_allclose(reward, life.fitness, atol=1e-3)
        assert (info["good_arrivals"] > 0).any()

    def test_random_bites_good_and_bad_alike_and_seldom_recovers(self, lives):
        _, _, life = lives
        good, bad = (np.where(life.alive, life.info[f"{kind}_arrivals"], 0).sum(axis=1) for kind in ("good", "bad"))
        assert abs(np.mean(good - bad)) < 4 * np.std(good - bad) / 8
        waiting = np.where(life.alive, life.info["recovery_steps"], 0).sum(axis=1)
        after = (life.alive & (np.arange(256) / 255 > life.states.reversal_phi[:, :-1])).sum(axis=1)
        assert (waiting <= after).all()
        assert (waiting == after).mean() > 0.9


@pytest.mark.parametrize(
    ("structure", "knobs", "message"),
    [
        ({}, {"num_bad_sources": 1}, "num_bad_sources must be 0, since it is drawn which smells harm, got 1"),
        ({}, {"num_feeding": 5}, "num_feeding must be at most num_smells = 4, got 5"),
        ({}, {"num_feeding": 1}, "reversal_phi_low must be 1 (no reversal) where other than half of the smells feed"),
        ({}, {"reversal_phi_low": 0.7}, "reversal_phi_low must be at most reversal_phi_high = 0.6, got 0.7"),
        ({"num_smells": 2}, {"num_feeding": 1, "feeding_sets": "alike"}, "feeding_sets cannot be alike where"),
        ({}, {"feeding_sets": "some"}, "feeding_sets must be all, unlike or alike, got 'some'"),
        ({}, {"feeding_sets": 3}, "feeding_sets must be all, unlike or alike, got 3"),
    ],
)  # fmt: skip
def test_errors_name_the_culprit(structure, knobs, message):
    env, params = make("L5.1", **structure)
    with pytest.raises(ValueError, match=r"must be|cannot be") as caught:
        env.check_params(params.replace(**knobs))
    assert message in str(caught.value)
