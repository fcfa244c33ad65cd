"""Combinations of families that no rung has: each feature acts, draws numbers of its own, and the interface holds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct

from koki2_envs import REFERENCE_POLICIES, check_env, rollout
from koki2_envs.environments import (
    Foraging,
    Homeostasis,
    HomeostasisState,
    Motivation,
    MotivationState,
    Obstacles,
    ObstaclesState,
    Seasons,
    SeasonsState,
    Threats,
    ThreatsState,
)
from koki2_envs.knobs import pytree_dataclass
from koki2_envs.mechanics.rooms import is_free
from koki2_envs.params import HomeostasisParams, MotivationParams, ObstaclesParams, SeasonsParams, ThreatsParams


@struct.dataclass
class StormyNeedsState(ThreatsState, HomeostasisState):
    pass


@pytree_dataclass
class StormyNeedsParams(ThreatsParams, HomeostasisParams):
    pass


class StormyNeeds(Threats, Homeostasis):
    """Food and water under storms."""

    state_class, params_class = StormyNeedsState, StormyNeedsParams


@struct.dataclass
class WalledSeasonsState(SeasonsState, ObstaclesState):
    pass


@pytree_dataclass
class WalledSeasonsParams(SeasonsParams, ObstaclesParams):
    pass


class WalledSeasons(Seasons, Obstacles):
    """Two foods and their seasons among walls."""

    state_class, params_class = WalledSeasonsState, WalledSeasonsParams


@struct.dataclass
class ZonedMotivationState(MotivationState, ThreatsState):
    pass


@pytree_dataclass
class ZonedMotivationParams(MotivationParams, ThreatsParams):
    pass


class ZonedMotivation(Motivation, Threats):
    """Needs whose importance switches, among zones that hurt."""

    state_class, params_class = ZonedMotivationState, ZonedMotivationParams


@struct.dataclass
class WalledNeedsState(HomeostasisState, ObstaclesState):
    pass


@pytree_dataclass
class WalledNeedsParams(HomeostasisParams, ObstaclesParams):
    pass


class WalledNeeds(Homeostasis, Obstacles):
    """Food and water in their boxes, among walls."""

    state_class, params_class = WalledNeedsState, WalledNeedsParams


SMALL = {"width": 9, "height": 7, "max_steps_in_episode": 40, "deplete_sources": True, "respawn_delay": 0}
WORLDS = {
    "storms over food and water": (
        StormyNeeds(num_sources=3, num_water=3, num_shelters=3),
        StormyNeedsParams(**SMALL, storm_integrity_loss=0.05, storm_calm_min=2, storm_calm_max=4, cue_delay=2),
    ),
    "seasons among walls": (
        WalledSeasons(num_sources=4, num_second=4, num_walls=2),
        WalledSeasonsParams(**SMALL, unripe_integrity_loss=0.01),
    ),
    "switching motivation among zones": (
        ZonedMotivation(num_sources=4, num_water=4, num_zones=3),
        ZonedMotivationParams(
            **SMALL, zone_integrity_loss=0.01, zone_radius=1.5, hydration_drive_weight=0.0,
            energy_drive_weight_after=0.0, drive_cost=1.0,
        ),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def lives():
    """The record of 16 random lives in each world."""
    keys = jax.random.split(jax.random.key(0), 16)
    return {
        name: jax.device_get(jax.vmap(lambda key, env=env, params=params: rollout(env, params, "random", key))(keys))
        for name, (env, params) in WORLDS.items()
    }


FIRST, *OTHERS = WORLDS


@pytest.mark.parametrize("name", [FIRST, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)])
def test_the_interface_holds(name):
    check_env(*WORLDS[name], num_steps=8)


@pytest.mark.parametrize("name", WORLDS)
def test_names_scales_and_entries_are_as_many_and_in_the_order_of_the_bases(name, lives):
    env, _ = WORLDS[name]
    assert lives[name].observations.shape[-1] == len(env.observation_names) == len(env.observation_scales)
    assert env.observation_names[:4] == Foraging.observation_names
    for base in type(env).__bases__:
        assert set(base.observation_names) <= set(env.observation_names)
        assert set(base.metric_names) <= set(env.metric_names) <= set(lives[name].info)


def sensed(env, life, sense):
    return life.observations[..., env.observation_names.index(sense)]


def test_storms_and_thirst_both_act(lives):
    (env, params), life = WORLDS["storms over food and water"], lives["storms over food and water"]
    assert env.level_names == ("energy", "integrity", "hydration")
    outside = life.info["lost_in_storms"] > 0
    drank = life.info["water_gained"] > 0
    assert outside.any()
    assert drank.any()
    before = jax.tree.map(lambda leaf: leaf[:, :-1], life.states)
    after = jax.tree.map(lambda leaf: leaf[:, 1:], life.states)
    np.testing.assert_allclose(
        after.hydration,
        np.clip(before.hydration - params.hydration_decay + life.info["water_gained"], 0, 1),
        atol=1e-6,
    )
    np.testing.assert_allclose(
        after.integrity, np.clip(before.integrity - life.info["integrity_lost"], 0, 1), atol=1e-6
    )
    np.testing.assert_array_equal(sensed(env, life, "pain")[:, 1:] == 1, outside[:, :-1])
    np.testing.assert_array_equal(sensed(env, life, "hydration"), before.hydration)


def test_families_that_draw_the_same_feature_draw_different_numbers(lives):
    states = lives["storms over food and water"].states
    assert (states.shelter_pos[:, 0] != states.source_pos[:, 0, 3:]).any(axis=-1).mean() > 0.5
    ours = {StormyNeeds.stream(owner, feature) for owner, feature in StormyNeeds._streams}
    assert len(ours) == len(StormyNeeds._streams)
    for family in (Homeostasis, Threats, Seasons, Obstacles, Motivation):
        assert all(number == feature for (_, feature), number in family._streams.items()), family


def test_seasons_turn_and_walls_stand(lives):
    (_, params), life = WORLDS["seasons among walls"], lives["seasons among walls"]
    turned = np.arange(life.num_steps) / (life.num_steps - 1) >= params.season_phi_low
    ate = (life.info["energy_gained"] > 0) & life.alive
    assert (ate & turned).any()
    assert (ate & ~turned).any()
    np.testing.assert_array_equal((life.info["second_meals"] > 0) & life.alive, ate & turned)
    assert (life.info["unripe_arrivals"] > 0).any()
    assert_free(life.states, np.concatenate([life.states.pos[:, :, None], life.states.source_pos], axis=2))


def assert_free(states, cells):
    free = jax.vmap(lambda rooms, cells: is_free(rooms, cells[..., 0], cells[..., 1]))
    assert bool(free(jnp.asarray(states.rooms[:, 0]), jnp.asarray(cells)).all())
    everywhere = jnp.stack(jnp.meshgrid(jnp.arange(9), jnp.arange(7), indexing="ij"), axis=-1)[None]
    assert not free(jnp.asarray(states.rooms[:1, 0]), everywhere).all(), "there should be walls"


def test_sources_lie_in_their_boxes_where_there_are_walls_too():
    env = WalledNeeds(num_sources=4, num_water=4, num_walls=2)
    params = WalledNeedsParams(**SMALL, layout_uniform=0.0, layout_opposite=1.0, energy_decay=0.0)
    keys = jax.random.split(jax.random.key(1), 16)
    states = jax.device_get(jax.vmap(lambda key: rollout(env, params, "random", key))(keys)).states
    assert_free(states, states.source_pos)
    food_x, water_x = states.source_pos[:, :, :4, 0], states.source_pos[:, :, 4:, 0]
    assert food_x.max() < 3
    assert water_x.min() > 5
    assert (states.source_pos[:, 0] != states.source_pos[:, -1]).any()


def test_weights_switch_and_zones_hurt(lives):
    (env, params), life = WORLDS["switching motivation among zones"], lives["switching motivation among zones"]
    later = np.arange(life.num_steps) / (life.num_steps - 1) >= params.switch_phi_low
    before = jax.tree.map(lambda leaf: leaf[:, :-1], life.states)
    lack = np.where(later, np.square(1 - before.hydration), np.square(1 - before.energy))
    np.testing.assert_allclose(life.info["drive"], lack + np.square(1 - before.integrity), atol=1e-5)
    assert (life.info["lost_in_zones"] > 0).any()
    np.testing.assert_array_equal(sensed(env, life, "pain")[:, 1:] == 1, life.info["lost_in_zones"][:, :-1] > 0)


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("policy", ["greedy", "oracle"])
def test_reference_policies_act_in_them(name, policy):
    env, params = WORLDS[name]
    observation, state = env.reset(jax.random.key(3), params)
    action = REFERENCE_POLICIES[policy](env, params, state, observation, jax.random.key(4))
    assert 0 <= int(action) < env.num_actions


def test_what_two_families_declare_both_is_rejected_where_the_class_is_made():
    with pytest.raises(TypeError, match="Twice: two of its bases declare 'water_x' in own_senses"):
        type("Twice", (Homeostasis,), {"own_senses": {"water_x": 1.0}})


def test_unknown_structure_is_rejected_by_name():
    with pytest.raises(TypeError, match="StormyNeeds has no structure argument 'num_shelter'; did you mean 'num_shelt"):
        StormyNeeds(num_shelter=2)
