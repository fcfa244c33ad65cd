import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_envs import REFERENCE_POLICIES, make, rollout
from koki2_envs.environments import Foraging, ForagingState
from koki2_envs.params import ForagingParams

STAY, UP, DOWN, LEFT, RIGHT = range(5)
LINE = {"width": 9, "height": 1, "max_steps_in_episode": 20}
FIELD = {"width": 9, "height": 9, "max_steps_in_episode": 20}


def situation(pos, good=(), bad=(), *, gone=(), time=0, energy=1.0, integrity=1.0):
    """An agent among good, bad and depleted good sources, given by their cells."""
    cells = [*good, *bad, *gone]
    return ForagingState(
        time=jnp.int32(time),
        succeeded=jnp.bool_(False),
        pos=jnp.asarray(pos, jnp.int32),
        source_pos=jnp.asarray(cells, jnp.int32),
        source_is_bad=jnp.asarray([False] * len(good) + [True] * len(bad) + [False] * len(gone)),
        source_active=jnp.asarray([True] * (len(good) + len(bad)) + [False] * len(gone)),
        source_respawn_t=jnp.zeros(len(cells), jnp.int32),
        energy=jnp.float32(energy),
        integrity=jnp.float32(integrity),
    )


def act(policy, state, world, observation=(0.0, 0.0, 1.0, 1.0), seed=0, **knobs):
    env = Foraging(num_sources=state.source_pos.shape[0])
    params = ForagingParams(**world, **knobs)
    action = REFERENCE_POLICIES[policy](env, params, state, jnp.asarray(observation), jax.random.key(seed))
    assert action.shape == ()
    assert action.dtype == jnp.int32
    return int(action)


def walk(state, world, steps, **knobs):
    """What happens to the oracle: where it goes, and the infos of its steps."""
    env = Foraging(num_sources=state.source_pos.shape[0])
    params = ForagingParams(**world, **knobs)
    path, infos = [tuple(state.pos.tolist())], []
    for t in range(steps):
        action = REFERENCE_POLICIES["oracle"](env, params, state, jnp.zeros(4), jax.random.key(0))
        _, state, _, terminated, info = env.step_env(jax.random.key(t), state, action, params)
        path.append(tuple(state.pos.tolist()))
        infos.append(jax.tree.map(float, info))
        if terminated:
            break
    return path, infos


class TestBlindPolicies:
    def test_stay_stays(self):
        assert act("stay", situation((4, 0), [(5, 0)]), LINE) == STAY

    def test_random_takes_every_action_equally_often(self):
        env, params = make("L0.0")
        policy = functools.partial(REFERENCE_POLICIES["random"], env, params, None, None)
        counts = np.bincount(jax.vmap(policy)(jax.random.split(jax.random.key(0), 5000)), minlength=5)
        assert counts.size == 5
        assert (abs(counts - 1000) < 4 * np.sqrt(800)).all()


class TestGreedy:
    @pytest.mark.parametrize(
        ("gradient", "action"),
        [
            ((0.0, 0.0), STAY), ((0.1, 0.0), RIGHT), ((-0.1, 0.0), LEFT), ((0.0, 0.1), DOWN), ((0.0, -0.1), UP),
            ((0.1, -0.2), UP), ((0.3, -0.2), RIGHT), ((0.2, 0.2), RIGHT), ((-0.2, 0.2), LEFT),
        ],
    )  # fmt: skip
    def test_it_climbs_the_larger_component(self, gradient, action):
        # The state says otherwise, and greedy does not look.
        assert act("greedy", situation((4, 4), [(0, 0)]), FIELD, (*gradient, 1.0, 1.0)) == action


class TestOracle:
    def test_it_goes_to_the_nearest_good_source(self):
        assert act("oracle", situation((4, 0), [(1, 0), (6, 0)], [(3, 0)]), LINE) == RIGHT

    def test_it_ignores_what_is_gone(self):
        assert act("oracle", situation((4, 0), [(1, 0)], gone=[(5, 0)]), LINE) == LEFT

    def test_it_keeps_arriving_at_a_source_that_stays(self):
        _, infos = walk(situation((4, 0), [(5, 0)], [(6, 0)]), LINE, 8)
        assert [info["energy_gained"] > 0 for info in infos] == [True, False] * 4
        assert sum(info["bad_arrivals"] for info in infos) == 0

    def test_on_a_line_it_crosses_a_bad_source_where_it_survives_that(self):
        _, infos = walk(situation((4, 0), [(6, 0)], [(5, 0)]), LINE, 2, bad_source_integrity_loss=0.25)
        assert [info["bad_arrivals"] for info in infos] == [1.0, 0.0]
        assert infos[1]["energy_gained"] > 0

    @pytest.mark.parametrize(("integrity", "loss"), [(0.25, 0.25), (0.5, 0.6)])
    def test_on_a_line_it_does_not_die_for_food(self, integrity, loss):
        world = situation((4, 0), [(6, 0)], [(5, 0)], integrity=integrity)
        path, infos = walk(world, LINE, 6, bad_source_integrity_loss=loss)
        assert len(path) == 7
        assert sum(info["bad_arrivals"] for info in infos) == 0

    def test_two_bad_sources_are_survived_only_with_integrity_for_both(self):
        barrier = [(5, 0), (6, 0)]
        assert act("oracle", situation((4, 0), [(7, 0)], barrier), LINE, bad_source_integrity_loss=0.4) == RIGHT
        afraid = act("oracle", situation((4, 0), [(7, 0)], barrier, integrity=0.8), LINE, bad_source_integrity_loss=0.4)
        assert afraid != RIGHT

    def test_a_longer_way_may_be_better_than_a_bad_source(self):
        both = situation((4, 0), [(1, 0), (6, 0)], [(5, 0)], integrity=0.5)
        assert act("oracle", both, LINE, bad_source_integrity_loss=0.4) == LEFT
        assert act("oracle", both, LINE, bad_source_integrity_loss=0.01) == RIGHT

    def test_while_it_drifts_to_the_middle_it_touches_nothing_bad(self):
        path, infos = walk(situation((0, 0), [], [(2, 0)], gone=[(8, 0)]), LINE, 6)
        assert sum(info["bad_arrivals"] for info in infos) == 0
        assert path[-1] in {(0, 0), (1, 0)}
        assert walk(situation((0, 0), [], [(8, 0)], gone=[(8, 0)]), LINE, 4)[0][-1] == (4, 0)

    @pytest.mark.parametrize(
        ("good", "bad", "steps"),
        [
            ((4, 7), [(4, 5)], 5), ((4, 1), [(4, 3)], 5), ((7, 4), [(5, 4)], 5),
            ((4, 7), [(4, 5), (3, 4)], 5), ((4, 7), [(4, 6)], 5), ((6, 4), [(5, 4)], 4),
        ],
    )  # fmt: skip
    def test_in_the_plane_it_walks_around_bad_sources(self, good, bad, steps):
        _, infos = walk(situation((4, 4), [good], bad), FIELD, steps)
        assert sum(info["bad_arrivals"] for info in infos) == 0
        assert infos[-1]["energy_gained"] > 0

    @pytest.mark.parametrize("world", [LINE, FIELD])
    def test_it_takes_a_good_source_that_shares_its_cell_with_a_bad_one(self, world):
        y = world["height"] // 2
        _, infos = walk(situation((4, y), [(6, y)], [(6, y)]), world, 2, bad_source_integrity_loss=0.25)
        assert infos[-1]["energy_gained"] > 0
        assert infos[-1]["bad_arrivals"] == 1.0

    @pytest.mark.parametrize("world", [LINE, FIELD])
    def test_it_survives_a_good_source_that_shares_its_cell_with_a_bad_one(self, world):
        y = world["height"] // 2
        _, infos = walk(situation((4, y), [(6, y)], [(6, y)]), world, 19, bad_source_integrity_loss=0.3)
        assert len(infos) == 19
        assert sum(info["bad_arrivals"] for info in infos) == 3

    def test_where_reaching_ends_the_life_it_waits_for_the_last_step(self):
        path, infos = walk(situation((4, 0), [(6, 0)]), LINE, 20, terminate_on_reach=True, energy_decay=0.01)
        assert len(infos) == 20
        assert path[-2:] == [(5, 0), (6, 0)]
        assert infos[-1]["energy_gained"] > 0

    def test_where_reaching_ends_the_life_it_eats_before_it_starves(self):
        state = situation((4, 0), [(6, 0)], energy=0.35)
        _, infos = walk(state, LINE, 20, terminate_on_reach=True, energy_decay=0.1, energy_gain=0.5)
        assert len(infos) == 4
        assert infos[-1]["energy_gained"] > 0


def achieved(env, params):
    """Of 1,024 lives of the oracle: mean return, and the shares of those that succeeded and that did not die."""
    keys = jax.random.split(jax.random.key(0), 1024)
    lives = jax.vmap(lambda key: rollout(env, params, "oracle", key))(keys)
    states, alive = lives.states, lives.alive
    survived = alive[:, -1] & (states.energy[:, -1] > 0) & (states.integrity[:, -1] > 0)
    return [float(x.mean()) for x in (lives.fitness, states.succeeded[:, -1], survived)]


# Means over 1,024 lives; four standard errors below what 8,192 lives gave.
FLOORS = {"L0.0": 206.1, "L0.1": 208.2, "L0.2": 207.5, "L1.0": 181.4, "L1.1": 181.4}


@pytest.mark.parametrize("rung", FLOORS)
def test_the_oracle_is_a_strong_upper_reference(rung):
    env, params = make(rung)
    # A world without the rung's name shares compiled code with the others of its size.
    env = Foraging(num_sources=env.num_sources)
    mean, succeeded, survived = achieved(env, params)
    assert mean > FLOORS[rung]
    assert succeeded > 0.998
    # An agent that never eats starves in the very last step.
    assert survived >= succeeded


def test_the_oracle_succeeds_among_bad_sources_in_the_plane():
    plane = make("L0.2")[1].replace(width=16, height=16)
    mean, succeeded, survived = achieved(Foraging(num_sources=4), plane)
    assert mean > 208.8
    assert succeeded > 0.998
    assert survived == 1.0


def test_worlds_without_their_own_policies_say_so():
    for name in ("greedy", "oracle"):
        with pytest.raises(NotImplementedError, match=f"has no {name}"):
            REFERENCE_POLICIES[name](object(), None, None, None, None)
