"""L4.0: short senses, what the reference policies make of them, and how their reach looks."""

import functools

import jax
import numpy as np
import pytest

from koki2_envs import make, ramp, rollout
from koki2_envs.rendering import animate_life, draw_life, scene_of

STEPS = 120
ENV, PARAMS = make("L4.0")


@functools.cache
def lives(policy, steps, **knobs):
    """The record of 32 lives."""
    params, keys = PARAMS.replace(**knobs), jax.random.split(jax.random.key(0), 32)
    return jax.device_get(jax.vmap(lambda key: rollout(ENV, params, policy, key, steps))(keys))


def a_life(policy, **knobs):
    """The first of the lives, to be drawn."""
    return ENV, PARAMS.replace(**knobs), jax.tree.map(lambda leaf: leaf[0], lives(policy, STEPS, **knobs))


def test_what_is_smelled_is_within_reach_and_the_nearest():
    record = lives("random", STEPS)
    states, observations = jax.tree.map(lambda leaf: leaf[:, :STEPS], record.states), record.observations
    offsets = states.source_pos - states.pos[:, :, None]
    distances = np.where(states.source_active, np.sqrt((offsets.astype(float) ** 2).sum(axis=-1)), np.inf)
    smelled = (observations[..., :2] != 0).any(axis=-1)
    # On top of a source the gradient is zero too.
    expected = (distances.min(axis=-1) <= 6) & (distances.min(axis=-1) > 0)
    np.testing.assert_array_equal(smelled, expected)
    assert 0.1 < smelled.mean() < 0.9


def test_greedy_stands_where_it_smells_nothing_and_starves_there():
    record = lives("greedy", 256)
    silent = (record.observations[..., :2] == 0).all(axis=-1)
    np.testing.assert_array_equal(record.actions == 0, silent)
    assert record.num_lived.mean() < 200


def test_the_oracle_goes_where_nothing_is_smelled():
    record = lives("oracle", 512)
    silent = (record.observations[..., :2] == 0).all(axis=-1)
    assert (record.actions[silent & record.alive] != 0).mean() > 0.9
    assert record.fitness.mean() > 655.0


class TestReach:
    def test_it_is_the_radius_at_each_moments_phase(self):
        reach = scene_of(*a_life("stay", sense_radius=ramp(2.0, 8.0))).reach
        lived = reach.size - 1
        assert reach[0] == reach[1] == 2.0
        # The observation after step t has the phase t / (T − 1); a smooth step from 2 to 8.
        x = (lived - 1) / 511
        assert reach[-1] == pytest.approx(2.0 + 6.0 * x * x * (3 - 2 * x), abs=1e-5)

    def test_without_limit_there_is_none(self):
        assert scene_of(*a_life("stay", sense_radius=0.0)).reach is None

    @pytest.mark.parametrize("size", [(32, 32), (32, 1)])
    def test_it_is_drawn(self, size, tmp_path):
        env, params, record = a_life("stay", width=size[0], height=size[1], energy_init=0.05)
        films = []
        for radius in (6.0, 0.0):
            known = params.replace(sense_radius=radius)
            figure = draw_life(env, known, record)
            named = {text.get_text() for ax in figure.axes if ax.get_legend() for text in ax.get_legend().get_texts()}
            assert ("reach of the senses" in named) == (radius > 0)
            films.append(animate_life(env, known, record, tmp_path / f"{radius}.gif").read_bytes())
        assert films[0] != films[1]
