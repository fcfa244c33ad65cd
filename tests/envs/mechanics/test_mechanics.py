import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koki2_envs.environments import Foraging
from koki2_envs.mechanics import body, movement, sensing
from koki2_envs.mechanics.rng import Feature, Rng
from koki2_envs.mechanics.rows import pairs, row
from koki2_envs.mechanics.sources import scatter, touching, uniform_cells
from koki2_envs.params import ForagingParams


def anywhere(size):
    """Uniform cells in a world of this size."""
    return functools.partial(uniform_cells, size=jnp.asarray(size))


class TestRows:
    def test_a_row_is_a_stack(self):
        entries = [jnp.float32(x) for x in (3.0, -1.0, 0.5)]
        for n in (1, 2, 3):
            np.testing.assert_array_equal(row(*entries[:n]), jnp.stack(entries[:n]))

    def test_pairs_are_columns(self):
        np.testing.assert_array_equal(pairs(jnp.asarray([1, 2, 3]), jnp.asarray([4, 5, 6])), [[1, 4], [2, 5], [3, 6]])


class TestLuck:
    def test_no_two_streams_and_no_two_steps_share_numbers(self):
        steps = jax.random.split(jax.random.key(0), 8)
        drawn = [np.asarray(Rng(step, stream).bits(2)) for step in steps for stream in Feature]
        assert np.unique(np.concatenate(drawn)).size == 2 * len(drawn)

    def test_a_coin_falls_as_often_as_it_should(self):
        assert not bool(Rng(jax.random.key(0), Feature.MOTOR).bernoulli(0.0))
        assert bool(Rng(jax.random.key(0), Feature.MOTOR).bernoulli(1.0))
        coins = Rng(jax.random.key(0), Feature.RESPAWN_COIN).bernoulli(0.3, 10_000)
        assert abs(float(coins.mean()) - 0.3) < 4 * np.sqrt(0.21 / 10_000)


class TestBody:
    def test_levels_stay_in_the_unit_interval(self):
        np.testing.assert_array_equal(body.clip_level(jnp.asarray([-0.5, 0.25, 1.5])), [0.0, 0.25, 1.0])

    def test_drive_by_hand(self):
        assert float(body.drive((0.5, 0.25), (1.0, 0.75), (2.0, 4.0))) == pytest.approx(2 * 0.25 + 4 * 0.25)
        assert float(body.drive((jnp.float32(0.5),), (1.0,), (2.0,))) == pytest.approx(0.5)


class TestMovement:
    @pytest.mark.parametrize("action", range(5))
    def test_an_action_may_be_a_plain_int(self, action):
        np.testing.assert_array_equal(movement.displacement(action), movement.displacement(jnp.int32(action)))

    def test_names_agree_with_effects(self):
        steps = {name: tuple(movement.displacement(i).tolist()) for i, name in enumerate(movement.ACTION_NAMES)}
        assert steps == {"stay": (0, 0), "up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}


class TestSources:
    @given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=8), st.tuples(*[st.integers(1, 4096)] * 2))
    @settings(max_examples=50, deadline=None)
    def test_bits_are_divided_exactly(self, bits, size):
        """Against whole numbers of any length."""
        cells, rest = uniform_cells(jnp.asarray(bits, jnp.uint32), jnp.asarray(size))
        for one, cell, left in zip(bits, cells.tolist(), rest.tolist(), strict=True):
            x, remainder = divmod(one * size[0], 2**32)
            y, remainder = divmod(remainder * size[1], 2**32)
            assert (cell, left) == ([x, y], remainder)

    def test_every_cell_is_equally_likely(self):
        sources = scatter(Rng(jax.random.key(0), Feature.SCATTER), 4096, jnp.int32(0), anywhere([4, 2]))
        cell = np.asarray(sources.pos[:, 0] + 4 * sources.pos[:, 1])
        counts = np.bincount(cell, minlength=8)
        assert counts.size == 8
        assert (abs(counts - 512) < 4 * np.sqrt(512)).all()

    @pytest.mark.parametrize("size", [(64, 1), (3, 2), (1, 1)])
    def test_which_are_bad_is_independent_of_where_they_lie(self, size):
        many = jax.vmap(lambda key: scatter(Rng(key, Feature.SCATTER), 4, jnp.int32(2), anywhere(size)))
        sources = many(jax.random.split(jax.random.key(1), 20_000))
        first_bad, x = np.asarray(sources.is_bad[:, 0]), np.asarray(sources.pos[:, 0, 0])
        for column in {0, size[0] // 2, size[0] - 1}:
            there = first_bad[x == column]
            assert abs(there.mean() - 0.5) < 4 * 0.5 / np.sqrt(there.size)
        pairs = [np.mean(sources.is_bad[:, i] & sources.is_bad[:, j]) for i in range(4) for j in range(i)]
        np.testing.assert_allclose(pairs, 1 / 6, atol=4 * np.sqrt(5 / 36 / 20_000))

    @pytest.mark.parametrize("num_bad", range(6))
    def test_exactly_so_many_are_bad_and_uniformly_which(self, num_bad):
        def which(key):
            return scatter(Rng(key, Feature.SCATTER), 5, jnp.int32(num_bad), anywhere([9, 5])).is_bad

        bad = np.asarray(jax.vmap(which)(jax.random.split(jax.random.key(1), 1000)))
        assert (bad.sum(axis=1) == num_bad).all()
        p = num_bad / 5
        assert (abs(bad.mean(axis=0) - p) <= 4 * np.sqrt(p * (1 - p) / 1000)).all()

    def test_badness_does_not_depend_on_place(self):
        keys = jax.random.split(jax.random.key(2), 2000)
        sources = jax.vmap(lambda key: scatter(Rng(key, Feature.SCATTER), 2, jnp.int32(1), anywhere([64, 1])))(keys)
        x, bad = np.asarray(sources.pos[..., 0]), np.asarray(sources.is_bad)
        assert abs(x[bad].mean() - x[~bad].mean()) < 4 * 64 / np.sqrt(12) * np.sqrt(2 / 2000)

    def test_contacts_need_an_active_source_in_the_same_cell(self):
        sources = scatter(Rng(jax.random.key(0), Feature.SCATTER), 4, jnp.int32(0), anywhere([9, 5]))._replace(
            pos=jnp.asarray([[1, 2], [1, 2], [2, 1], [1, 3]]), active=jnp.asarray([True, False, True, True])
        )
        assert touching(sources, jnp.asarray([1, 2])).tolist() == [True, False, False, False]


class TestSenses:
    def test_nearest_without_candidates_is_nothing(self):
        offset, chosen = sensing.nearest(jnp.asarray([3, 2]), jnp.asarray([[4, 2]]), jnp.asarray([False]))
        assert offset.tolist() == [0, 0]
        assert chosen.tolist() == [False]

    def test_nearest_across_the_largest_world_does_not_overflow(self):
        corners = jnp.asarray([[4095, 4095], [0, 0]])
        offset, chosen = sensing.nearest(jnp.asarray([0, 0]), corners, jnp.asarray([True, False]))
        assert offset.tolist() == [4095, 4095]
        assert chosen.tolist() == [True, False]


WORLD = Foraging(num_sources=4)
LENGTH = 24


@jax.jit
def a_life(params, key):
    """All states and observations of a life of random actions; each leaf with an axis of time."""

    def step(carry, t):
        state, alive = carry
        step_key = jax.random.fold_in(key, t)
        action = jax.random.randint(step_key, (), 0, 5)
        observation, state, reward, terminated, info = WORLD.step_env(step_key, state, action, params)
        return (state, alive & ~terminated), (state, observation, reward, info, terminated)

    _, state = WORLD.reset_env(key, params)
    return jax.lax.scan(step, (state, jnp.ones((), bool)), jnp.arange(LENGTH))[1]


unit = st.floats(0, 1, width=32)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    width=st.integers(1, 12),
    height=st.integers(1, 12),
    num_bad=st.integers(0, 4),
    delays=st.tuples(st.integers(0, 5), st.integers(-1, 5)),
    body=st.fixed_dictionaries(
        {
            "energy_init": st.floats(2**-7, 1, width=32), "energy_decay": unit, "motor_gain": unit,
            "energy_gain": st.floats(0, 3, width=32),
            "bad_source_integrity_loss": st.floats(0, 3, width=32), "bad_source_deplete_p": unit,
            "grad_bins": st.floats(0, 32, width=32), "grad_gain": st.floats(0, 4, width=32), "hazard_smell": unit,
            "obs_noise": st.floats(0, 2, width=32), "grad_dropout_p": unit,
        }
    ),
    deplete=st.booleans(),
)  # fmt: skip
def test_what_holds_in_every_life(seed, width, height, num_bad, delays, body, deplete):
    params = ForagingParams(
        width=width, height=height, num_bad_sources=num_bad, deplete_sources=deplete, respawn_delay=delays[0],
        bad_source_respawn_delay=delays[1], max_steps_in_episode=LENGTH, **body,
    )  # fmt: skip
    states, observations, rewards, info, terminated = jax.tree.map(np.asarray, a_life(params, jax.random.key(seed)))
    for level in (states.energy, states.integrity):
        assert ((level >= 0) & (level <= 1)).all()
    for cells in (states.pos, states.source_pos):
        assert ((cells >= 0) & (cells < [width, height])).all()
    assert (states.source_is_bad.sum(axis=1) == num_bad).all()
    assert (states.source_is_bad == states.source_is_bad[0]).all()
    assert ((states.source_respawn_t > 0) == ~states.source_active).all()
    assert (terminated == ((states.energy <= 0) | (states.integrity <= 0))).all()
    assert (np.diff(states.succeeded.astype(int)) >= 0).all()
    assert np.isfinite(rewards).all()
    space = WORLD.observation_space(params)
    assert bool(space.contains(observations))
    bonus = np.diff(np.concatenate([[0], states.succeeded])) * params.success_bonus
    np.testing.assert_allclose(rewards, 1 + 10 * info["energy_gained"] + bonus, atol=1e-4)
