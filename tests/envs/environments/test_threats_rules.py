"""The rules that zones, storms and cues add, against numbers worked out by hand."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from handmade_threats import LEFT, RIGHT, STAY, STORMS, ZONES, state_of, step
from hypothesis import given, settings
from hypothesis import strategies as st

from koki2_envs import make, rollout
from koki2_envs.environments import Threats
from koki2_envs.mechanics import storms, zones
from koki2_envs.mechanics.rng import Feature, Rng
from koki2_envs.mechanics.storms import CALM, STORM, WARNING, Climate, Clock
from koki2_envs.params import ThreatsParams

PAIN, CUE, SHELTER_X, SHELTER_Y, DECOY = range(4, 9)


class TestZones:
    @pytest.mark.parametrize(
        ("pos", "hurts"), [((4, 2), True), ((5, 2), True), ((5, 3), True), ((6, 2), False), ((4, 4), False)]
    )
    def test_a_zone_is_a_disc(self, pos, hurts):
        # Of radius 1.5 about (4, 2): (5, 3) is 1.41 away, (6, 2) and (4, 4) are 2 away.
        observation, after, _, _, info = step(state_of(pos, zone=(4, 2)), STAY, **ZONES)
        assert float(after.integrity) == (0.875 if hurts else 1.0)
        assert float(info["lost_in_zones"]) == float(info["integrity_lost"]) == 0.125 * hurts
        assert float(observation[PAIN]) == hurts

    def test_it_is_the_cell_come_to_that_counts(self):
        assert float(step(state_of((6, 2), zone=(4, 2)), LEFT, **ZONES)[4]["lost_in_zones"]) == 0.125
        assert float(step(state_of((5, 2), zone=(4, 2)), RIGHT, **ZONES)[4]["lost_in_zones"]) == 0.0

    def test_zones_that_overlap_hurt_once(self):
        two = state_of((4, 2)).replace(zone_pos=jnp.asarray([[4, 2], [5, 2]], jnp.int32))
        assert float(step(two, STAY, **ZONES)[1].integrity) == 0.875

    def test_harm_kills(self):
        _, after, _, terminated, _ = step(state_of((4, 2), zone=(4, 2), integrity=0.125), STAY, **ZONES)
        assert float(after.integrity) == 0.0
        assert bool(terminated)

    def test_integrity_heals_to_one_and_no_further(self):
        assert float(step(state_of((0, 0), integrity=0.5), STAY, integrity_healing=0.25)[1].integrity) == 0.75
        assert float(step(state_of((0, 0), integrity=0.875), STAY, integrity_healing=0.25)[1].integrity) == 1.0
        hurt = step(state_of((4, 2), zone=(4, 2), integrity=0.5), STAY, integrity_healing=0.25, **ZONES)
        assert float(hurt[1].integrity) == 0.625
        assert float(hurt[4]["integrity_lost"]) == 0.125

    def test_centres_near_a_place_go_to_the_other_end(self):
        cells = jnp.asarray([[4, 2], [5, 3], [2, 2], [8, 4]], jnp.int32)
        moved = zones.away_from(cells, jnp.asarray([4, 2]), 1.5, jnp.asarray([9, 5]))
        # Half of 9 by 5 is 4 by 2: (4, 2) goes to (8, 4), (5, 3) around the border to (0, 0).
        np.testing.assert_array_equal(moved, [[8, 4], [0, 0], [2, 2], [8, 4]])

    def test_centres_that_are_too_near_even_there_go_to_the_corner(self):
        moved = zones.away_from(jnp.asarray([[5, 2]], jnp.int32), jnp.asarray([4, 2]), 4.4, jnp.asarray([9, 5]))
        # (5, 2) would go to (0, 4), 4.47 away; of radius 4.4 that is enough, of 4.47 it is not.
        np.testing.assert_array_equal(moved, [[0, 4]])
        moved = zones.away_from(jnp.asarray([[6, 2]], jnp.int32), jnp.asarray([4, 2]), 4.4, jnp.asarray([9, 5]))
        np.testing.assert_array_equal(moved, [[0, 0]])

    def test_nobody_is_born_in_pain(self):
        env, params = make("L3.0")
        observation, state = jax.vmap(lambda key: env.reset_env(key, params))(jax.random.split(jax.random.key(0), 2000))
        assert not np.asarray(observation)[:, PAIN].any()
        distance = np.linalg.norm(np.asarray(state.zone_pos) - 8, axis=-1)
        assert distance.min() > 2.5
        # Uniform but there: 16 cells of 256 in each quarter of a side by a quarter of a side.
        corner = (np.asarray(state.zone_pos)[..., 0] == 3) & (np.asarray(state.zone_pos)[..., 1] == 12)
        assert corner.mean() == pytest.approx(1 / 256, abs=4 * (1 / 256 / 10000) ** 0.5)


class TestStorms:
    @pytest.mark.parametrize(
        ("pos", "shelter", "lost"), [((3, 3), (0, 0), 0.25), ((3, 3), (3, 3), 0.0), ((3, 3), (3, 2), 0.25)]
    )
    def test_a_storm_hurts_outside_of_shelters(self, pos, shelter, lost):
        observation, after, _, _, info = step(state_of(pos, shelter=shelter, phase=STORM, t=2), STAY, **STORMS)
        assert float(info["lost_in_storms"]) == float(info["integrity_lost"]) == lost
        assert float(after.integrity) == 1.0 - lost
        assert float(observation[PAIN]) == (lost > 0)

    def test_zones_and_storms_add_up(self):
        info = step(state_of((4, 2), zone=(4, 2), phase=STORM, t=2), STAY, **STORMS, **ZONES)[4]
        assert float(info["integrity_lost"]) == 0.375

    def test_the_way_into_a_shelter_is_in_time(self):
        assert float(step(state_of((1, 0), phase=WARNING, t=1), LEFT, **STORMS)[4]["lost_in_storms"]) == 0.0
        assert float(step(state_of((2, 0), phase=WARNING, t=1), LEFT, **STORMS)[4]["lost_in_storms"]) == 0.25

    def test_a_round_goes_from_calm_to_warning_to_storm(self):
        state, seen = state_of((4, 2), t=3, integrity=1.0), []
        for t in range(12):
            observation, state, _, _, info = step(state, STAY, seed=t, **{**STORMS, "storm_integrity_loss": 0.01})
            seen.append((int(state.storm_phase), float(observation[CUE]), float(info["lost_in_storms"]) > 0))
        # Calm for two more observations, the cue for two, the storm for four, and the next calm for three.
        calm, warning, storm = (CALM, 0.0, False), (WARNING, 1.0, False), (STORM, 0.0, True)
        assert seen == [calm] * 2 + [warning] * 2 + [storm] * 4 + [calm] * 3 + [warning]

    @pytest.mark.parametrize(
        ("announced", "real", "cue", "phase"), [(True, False, 1.0, CALM), (False, True, 0.0, STORM)]
    )
    def test_false_alarms_and_storms_without_a_cue(self, announced, real, cue, phase):
        before = state_of((4, 2), phase=WARNING, t=2, announced=announced, real=real)
        observation, state, *_ = step(before, STAY, **STORMS)
        assert float(observation[CUE]) == cue
        assert int(step(state, STAY, **STORMS)[1].storm_phase) == phase

    def test_the_gradient_to_the_nearest_shelter(self):
        observation = step(state_of((4, 2), shelter=(7, 1)), STAY, **STORMS)[0]
        np.testing.assert_allclose(observation[SHELTER_X:DECOY], [3 / 8, -1 / 4], atol=1e-6)
        coarse = step(state_of((4, 2), shelter=(7, 1)), STAY, **STORMS, grad_gain=2.0, sense_radius=3.0)[0]
        np.testing.assert_allclose(coarse[SHELTER_X:DECOY], [0.0, 0.0])

    def test_the_decoy_switches(self):
        assert float(step(state_of((4, 2)), STAY, decoy_p=1.0)[0][DECOY]) == 1.0
        assert float(step(state_of((4, 2)).replace(decoy_on=jnp.bool_(True)), STAY, decoy_p=1.0)[0][DECOY]) == 0.0
        assert float(step(state_of((4, 2)), STAY)[0][DECOY]) == 0.0


@settings(max_examples=8)
@given(validity=st.floats(0.1, 1.0), false_alarm_p=st.floats(0.0, 0.9), jitter=st.integers(0, 4))
def test_rounds_are_drawn_as_the_knobs_say(validity, false_alarm_p, jitter):
    rounds = _rounds(validity, false_alarm_p, jitter)
    announced, real = np.asarray(rounds.announced), np.asarray(rounds.real)
    assert (announced | real).all()
    n = 4 * 0.5 / np.sqrt([real.sum(), announced.sum()])
    assert announced[real].mean() == pytest.approx(validity, abs=n[0])
    assert (~real)[announced].mean() == pytest.approx(false_alarm_p, abs=n[1])
    assert set(np.unique(rounds.t)) == set(range(5, 9))
    assert set(np.unique(rounds.warning)) == set(range(6 - jitter, 7 + jitter))


@jax.jit
def _rounds(validity, false_alarm_p, jitter):
    climate = Climate(5, 8, 6, jitter, 4, validity, false_alarm_p)
    keys = jax.random.split(jax.random.key(0), 2000)
    return jax.vmap(lambda key: storms.new_round(Rng(key, Feature.STORM), climate))(keys)


@pytest.mark.parametrize(("validity", "cues"), [(0.0, 0.0), (1.0, 1.0)])
def test_without_false_alarms_all_or_no_storms_are_announced(validity, cues):
    rounds = _rounds(validity, 0.0, 0)
    assert np.asarray(rounds.announced).mean() == cues
    assert np.asarray(rounds.real).all()


@pytest.mark.parametrize(
    ("clock", "wait"),
    [(Clock(CALM, 3, 2, True, True), 5), (Clock(WARNING, 2, 9, True, True), 2), (Clock(STORM, 2, 9, True, True), 0)],
)
def test_when_the_storm_comes(clock, wait):
    assert int(storms.steps_until_storm(clock)[1]) == wait


@functools.cache
def lives(rung):
    """Random lives: states before and after each step, observations after it and infos; (lives, steps, …)."""
    env, params = make(rung)
    keys = jax.random.split(jax.random.key(1), 64)
    lives = jax.device_get(jax.vmap(lambda key: rollout(env, params, "random", key, 97))(keys))
    before, after = (
        jax.tree.map(lambda leaf, steps=steps: leaf[:, steps], lives.states) for steps in (slice(96), slice(1, 97))
    )
    return params, (before, after, lives.observations[:, 1:], {name: row[:, :96] for name, row in lives.info.items()})


@pytest.mark.parametrize("rung", ["L3.0", "L3.2"])
class TestLives:
    def test_integrity_falls_by_what_the_info_says(self, rung):
        params, (before, after, _, info) = lives(rung)
        np.testing.assert_allclose(info["integrity_lost"], info["lost_in_zones"] + info["lost_in_storms"], atol=1e-6)
        healed = before.integrity + params.integrity_healing - info["integrity_lost"]
        np.testing.assert_allclose(after.integrity, np.clip(healed, 0, 1), atol=1e-6)
        assert (info["integrity_lost"] > 0).any()

    def test_pain_is_felt_where_something_was_lost(self, rung):
        _, (_, _, observation, info) = lives(rung)
        np.testing.assert_array_equal(observation[..., PAIN] == 1, info["integrity_lost"] > 0)

    def test_what_is_off_stays_zero(self, rung):
        _, (_, after, observation, info) = lives(rung)
        if rung == "L3.0":
            assert not observation[..., CUE:].any()
            assert not info["lost_in_storms"].any()
            assert not after.storm_t.any()
        else:
            assert not info["lost_in_zones"].any()
            assert not after.zone_pos.any()
            assert (after.storm_t > 0).all()


class TestErrors:
    @pytest.mark.parametrize(
        ("knobs", "message"),
        [
            ({"storm_calm_min": 30}, "storm_calm_min must be at most storm_calm_max = 24, got 30"),
            ({"cue_validity_high": 0.5}, "cue_validity_low must be at most cue_validity_high = 0.5, got 1"),
            ({"cue_jitter": 10}, "cue_jitter must be below cue_delay = 10, got 10"),
            ({"width": 4, "height": 4, **ZONES, "zone_radius": 3.0}, "zone_radius must be below 2.82843, .*, got 3"),
        ],
    )
    def test_knobs_that_contradict_each_other(self, knobs, message):
        with pytest.raises(ValueError, match=message):
            Threats("L3.1", ThreatsParams(**knobs))
