"""The worlds with walls, against numbers worked out by hand: blocked moves, walls felt, policies, the picture."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_envs import REFERENCE_POLICIES, LifeRecord, make, returns, rollout
from koki2_envs.environments import Obstacles, ObstaclesState
from koki2_envs.params import ObstaclesParams
from koki2_envs.rendering import scene_of

STAY, UP, DOWN, LEFT, RIGHT = range(5)
# A world of 7 by 5: a wall in column 2 with a door in row 3, and right of it one in row 1 with a door in column 6.
ROOMS = [[0, 0, 1, 4], [3, 0, 6, 0], [3, 2, 6, 4], [2, 3, 2, 3], [6, 1, 6, 1]]


def state_of(pos, sources, *, bad=None, active=None, energy=0.5):
    count = len(sources)
    return ObstaclesState(
        time=jnp.int32(0),
        succeeded=jnp.bool_(False),
        pos=jnp.asarray(pos, jnp.int32),
        source_pos=jnp.asarray(sources, jnp.int32),
        source_is_bad=jnp.asarray(bad or [False] * count),
        source_active=jnp.asarray(active or [True] * count),
        source_respawn_t=jnp.zeros(count, jnp.int32),
        energy=jnp.float32(energy),
        integrity=jnp.float32(1.0),
        rooms=jnp.asarray(ROOMS, jnp.int32),
    )


def params_of(**knobs):
    return ObstaclesParams(**{"width": 7, "height": 5, "energy_decay": 0.1, "energy_gain": 0.25, **knobs})


def step(state, action, *, seed=0, **knobs):
    """One step: observation, state, reward, terminated, info."""
    env = Obstacles(num_sources=state.source_pos.shape[0], num_walls=2)
    return env.step_env(jax.random.key(seed), state, action, params_of(**knobs))


class TestRules:
    @pytest.mark.parametrize(
        ("pos", "action", "expected"),
        [
            ((1, 2), RIGHT, (1, 2)), ((1, 3), RIGHT, (2, 3)), ((2, 3), RIGHT, (3, 3)), ((2, 3), UP, (2, 3)),
            ((2, 3), DOWN, (2, 3)), ((3, 0), LEFT, (3, 0)), ((4, 2), UP, (4, 2)), ((6, 2), UP, (6, 1)),
            ((6, 1), UP, (6, 0)), ((6, 1), RIGHT, (6, 1)), ((0, 0), UP, (0, 0)), ((4, 3), LEFT, (3, 3)),
        ],
    )  # fmt: skip
    def test_walls_stop_a_move_and_doors_do_not(self, pos, action, expected):
        assert tuple(step(state_of(pos, [[0, 0]]), action)[1].pos) == expected

    @pytest.mark.parametrize(
        ("pos", "felt"),
        [
            ((0, 0), (1, 0, 1, 0)), ((1, 1), (0, 0, 0, 1)), ((2, 3), (1, 1, 0, 0)), ((3, 3), (0, 0, 0, 0)),
            ((4, 2), (1, 0, 0, 0)), ((6, 1), (0, 0, 1, 1)), ((3, 0), (1, 1, 1, 0)), ((6, 4), (0, 1, 0, 1)),
        ],
    )  # fmt: skip
    def test_walls_beside_the_agent_are_felt(self, pos, felt):
        observation = step(state_of(pos, [[0, 0]]), STAY)[0]
        np.testing.assert_array_equal(observation[4:], felt)

    def test_the_gradient_points_through_walls(self):
        np.testing.assert_allclose(step(state_of((1, 0), [[3, 0]]), STAY)[0][:2], [2 / 6, 0.0], atol=1e-6)

    def test_a_blocked_move_onto_food_behind_the_wall_eats_nothing(self):
        _, after, _, _, info = step(state_of((1, 2), [[1, 2]]), RIGHT)
        assert float(info["energy_gained"]) == 0.0
        assert float(after.energy) == pytest.approx(0.4)

    def test_what_distorts_the_gradient_leaves_the_walls_alone(self):
        knobs = {"grad_dropout_p": 1.0, "grad_gain": 3.0, "grad_bins": 2.0}
        observation = step(state_of((4, 2), [[0, 0]]), STAY, **knobs)[0]
        np.testing.assert_array_equal(observation, np.asarray([0, 0, observation[2], 1, 1, 0, 0, 0], np.float32))

    def test_noise_is_on_all_entries(self):
        seen = np.stack([step(state_of((4, 2), [[0, 0]]), STAY, obs_noise=0.5, seed=i)[0] for i in range(24)])
        assert (seen.std(axis=0) > 0.2).all()

    def test_sources_come_back_in_free_cells_and_walls_stay(self):
        respawn = jax.jit(
            jax.vmap(lambda key: step_env(key, state_of((0, 0), [[1, 0]]), RIGHT)[1], in_axes=0)
        )  # fmt: skip
        after = respawn(jax.random.split(jax.random.key(0), 2000))
        np.testing.assert_array_equal(after.rooms, np.broadcast_to(ROOMS, (2000, 5, 4)))
        cells = {tuple(cell) for cell in np.asarray(after.source_pos[:, 0]).tolist()}
        free = {(x, y) for x0, y0, x1, y1 in ROOMS for x in range(x0, x1 + 1) for y in range(y0, y1 + 1)}
        assert cells == free

    def test_a_world_with_too_many_cells_is_rejected(self):
        with pytest.raises(ValueError, match=r"width · height must be at most 65535 .* got 65536"):
            Obstacles(default_params=ObstaclesParams(width=256, height=256))

    @pytest.mark.parametrize("num_walls", [0, 8])
    def test_the_number_of_walls_has_limits(self, num_walls):
        with pytest.raises(ValueError, match=f"num_walls must be .*1.*7.*, got {num_walls}"):
            make("L1.2", num_walls=num_walls)


def step_env(key, state, action):
    params = params_of(deplete_sources=True, respawn_delay=0)
    return Obstacles(num_sources=1, num_walls=2).step_env(key, state, action, params)


def test_births_are_in_the_open_among_free_cells():
    env, params = make("L1.2")
    _, state = jax.jit(jax.vmap(env.reset_env, in_axes=(0, None)))(jax.random.split(jax.random.key(0), 256), params)
    assert (np.asarray(state.pos) == 8).all()
    for walls, cells in zip(np.asarray(state.rooms), np.asarray(state.source_pos), strict=True):
        for x, y in [(8, 8), *cells.tolist()]:
            assert sum(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in walls) == 1
    assert len({walls.tobytes() for walls in np.asarray(state.rooms)}) == 256


def test_concrete_and_traced_params_give_the_same_results():
    state, key = state_of((1, 3), [[2, 3], [0, 0]]), jax.random.key(4)
    env = Obstacles(num_sources=2, num_walls=2)
    params = params_of(deplete_sources=True, respawn_delay=0)
    concrete = jax.jit(lambda: env.step_env(key, state, RIGHT, params))()
    traced = jax.jit(lambda p: env.step_env(key, state, RIGHT, p))(params)
    jax.tree.map(partial(np.testing.assert_allclose, atol=1e-6), traced, concrete)


class TestPolicies:
    def act(self, policy, state, **knobs):
        env, params = Obstacles(num_sources=state.source_pos.shape[0], num_walls=2), params_of(**knobs)
        observation = env.observe(jax.random.key(0), state, None, params)
        return int(REFERENCE_POLICIES[policy](env, params, state, observation, jax.random.key(0)))

    def test_greedy_pushes_against_the_wall_where_the_oracle_goes_round(self):
        behind_the_wall = state_of((1, 1), [[3, 0]])
        assert self.act("greedy", behind_the_wall) == RIGHT
        assert tuple(step(behind_the_wall, RIGHT)[1].pos) == (1, 1)
        assert self.act("oracle", behind_the_wall) == DOWN

    def test_the_oracle_takes_the_shortest_way(self):
        """From (0, 0) to (3, 0) it takes 15 steps, through both doors."""
        state = state_of((0, 0), [[3, 0]], energy=1.0)
        for _ in range(15):
            assert tuple(state.pos) != (3, 0)
            _, state, _, _, info = step(state, self.act("oracle", state), energy_decay=0.01)
        assert tuple(state.pos) == (3, 0)
        assert float(info["energy_gained"]) == 0.25

    def test_the_oracle_goes_for_what_is_near_on_foot(self):
        # (3, 1) is wall; (3, 0) is 3 cells away from (1, 1) but 14 steps, (0, 4) is 4.
        assert self.act("oracle", state_of((1, 1), [[3, 0], [0, 4]])) in {DOWN, LEFT}

    def test_among_equally_near_it_prefers_the_one_with_company(self):
        # Both are two steps away; next to the lower one lies another.
        assert self.act("oracle", state_of((4, 3), [[4, 2], [4, 4], [5, 4]])) == DOWN

    def test_the_oracle_steps_around_bad_sources(self):
        assert self.act("oracle", state_of((3, 3), [[5, 3], [4, 3]], bad=[False, True])) in {UP, DOWN}

    def test_with_nothing_to_eat_the_oracle_goes_to_where_it_was_born(self):
        assert self.act("oracle", state_of((5, 2), [[0, 0]], active=[False])) == LEFT
        assert self.act("oracle", state_of((2, 3), [[0, 0]], active=[False])) == RIGHT


def test_walls_draw_nothing_in_a_step():
    def drawn(**knobs):
        run = partial(step, state_of((4, 2), [[0, 0]]), STAY, **knobs)
        return str(jax.make_jaxpr(lambda seed: run(seed=seed))(0)).count("random_bits[")

    assert drawn() == 0
    assert drawn(deplete_sources=True) == 1
    assert drawn(obs_noise=0.1) == 1


def test_in_whole_lives_walls_stand_and_agents_and_sources_are_in_the_open():
    env, params = make("L1.2", num_walls=7, num_sources=24)
    params = params.replace(respawn_delay=0, energy_init=1.0, energy_decay=0.0)

    keys = jax.random.split(jax.random.key(2), 16)
    states = jax.device_get(jax.vmap(lambda key: rollout(env, params, "random", key, 128))(keys)).states
    assert (states.rooms == states.rooms[:, :1]).all()
    moved = np.any(states.source_pos[:, 1:] != states.source_pos[:, :-1], axis=-1)
    assert moved.sum() > 50
    for cells in (states.pos[:, :, None], states.source_pos):
        low, high = states.rooms[:, :, None, :, :2], states.rooms[:, :, None, :, 2:]
        inside = np.all((cells[..., None, :] >= low) & (cells[..., None, :] <= high), axis=-1)
        assert (inside.sum(axis=-1) == 1).all()


def test_what_policies_achieve():
    keys = jax.random.split(jax.random.key(0), 512)
    means = {name: float(returns(*make("L1.2"), name, keys).mean()) for name in ("random", "greedy", "oracle")}
    assert means["oracle"] > 355
    assert means["random"] + 15 < means["greedy"] < 0.3 * means["oracle"] + 0.7 * means["random"]


def test_the_picture_shows_the_walls():
    states = [state_of((1, 3), [[6, 4]])]
    for action in (RIGHT, RIGHT):
        states.append(step(states[-1], action)[1])
    states = jax.tree.map(lambda *leaves: np.stack(leaves), *states)
    info = {name: np.zeros(2) for name in ("energy_gained", "bad_arrivals")}
    record = LifeRecord(states, np.zeros((2, 8)), np.full(2, RIGHT), np.ones(2), np.ones(2, bool), info)
    scene = scene_of(Obstacles(num_sources=1, num_walls=2), params_of(), record)
    assert [layer.name for layer in scene.layers] == ["wall", "good source"]
    walls = {tuple(cell) for cell in scene.layers[0].pos[0].tolist()}
    assert walls == {(2, 0), (2, 1), (2, 2), (2, 4), (3, 1), (4, 1), (5, 1)}
    assert scene.path.tolist() == [[1, 3], [2, 3], [3, 3]]
