"""Food and water, against numbers worked out by hand."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import assert_same, draws
from handmade_homeostasis import LEFT, RIGHT, STAY, params_of, state_of, step, world_of

from koki2_envs import make, ramp
from koki2_envs.environments import Homeostasis
from koki2_envs.mechanics.layouts import CLUSTERED, OPPOSITE, UNIFORM
from koki2_envs.params import HomeostasisParams


class TestBody:
    def test_food_feeds_and_does_not_hydrate(self):
        _, after, _, _, info = step(state_of((3, 2), [(4, 2)], [(0, 0)]), RIGHT)
        assert float(after.energy) == pytest.approx(0.5 - 0.1 + 0.25)
        assert float(after.hydration) == pytest.approx(0.5 - 0.05)
        assert (float(info["energy_gained"]), float(info["water_gained"])) == (0.25, 0.0)
        assert bool(info["reached_source"])

    def test_water_hydrates_and_does_not_feed(self):
        _, after, _, _, info = step(state_of((3, 2), [(0, 0)], [(4, 2)]), RIGHT, water_gain=0.3)
        assert float(after.hydration) == pytest.approx(0.5 - 0.05 + 0.3)
        assert float(after.energy) == pytest.approx(0.4)
        assert float(info["water_gained"]) == pytest.approx(0.3)
        assert not bool(info["reached_source"])
        assert float(info["integrity_lost"]) == 0.0

    def test_salt_hydrates_and_harms(self):
        state = state_of((3, 2), [(0, 0)], [(4, 2)], salty=(0,))
        _, after, _, _, info = step(state, RIGHT, salt_integrity_loss=0.4)
        assert float(after.hydration) == pytest.approx(0.5 - 0.05 + 0.25)
        assert float(after.integrity) == pytest.approx(0.6)
        assert [float(info[n]) for n in ("salty_arrivals", "bad_arrivals", "water_gained")] == [1.0, 1.0, 0.25]

    def test_bad_food_and_salt_in_one_cell_add_up(self):
        state = state_of((3, 2), [(4, 2)], [(4, 2)], bad=(0,), salty=(0,))
        info = step(state, RIGHT, salt_integrity_loss=0.4, bad_source_integrity_loss=0.25)[4]
        assert float(info["integrity_lost"]) == pytest.approx(0.65)
        assert (float(info["bad_arrivals"]), float(info["energy_gained"])) == (2.0, 0.0)

    @pytest.mark.parametrize(("hydration", "ends"), [(0.05, True), (0.06, False)])
    def test_thirst_ends_a_life(self, hydration, ends):
        assert bool(step(state_of((4, 2), [(0, 0)], [(8, 4)], hydration=hydration), STAY)[3]) == ends

    def test_staying_at_water_drinks_once(self):
        assert float(step(state_of((4, 2), [(0, 0)], [(4, 2)]), STAY)[4]["water_gained"]) == 0.0

    def test_birth(self):
        env, params = Homeostasis(num_sources=2, num_water=3), params_of(hydration_init=ramp(0.75, 1.0))
        observation, state = env.reset_env(jax.random.key(0), params)
        assert float(state.hydration) == 0.75
        assert state.source_pos.shape == (5, 2)
        np.testing.assert_allclose(observation[jnp.asarray([2, 3, 6])], [1.0, 1.0, 0.75])


class TestReward:
    def test_what_was_drunk_counts_in_full(self):
        state = state_of((3, 2), [(0, 0)], [(4, 2)], hydration=0.95)
        _, after, reward, _, _ = step(state, RIGHT, hydration_reward=8.0)
        assert float(after.hydration) == 1.0
        assert float(reward) == pytest.approx(1.0 + 8.0 * 0.25)

    def test_hydration_is_part_of_the_drive(self):
        knobs = {
            "hydration_setpoint": 0.8,
            "hydration_drive_weight": 3.0,
            "energy_drive_weight": 0.0,
            "drive_reward": 2.0,
        }
        state = state_of((3, 2), [(0, 0)], [(4, 2)])
        _, _, reward, _, info = step(state, RIGHT, hydration_reward=0.0, **knobs)
        expected = 3.0 * ((0.5 - 0.8) ** 2 - (0.7 - 0.8) ** 2)
        assert float(info["drive_reduction"]) == pytest.approx(expected, abs=1e-6)
        assert float(reward) == pytest.approx(1.0 + 2.0 * expected, abs=1e-5)


class TestSenses:
    def test_each_need_has_its_gradient(self):
        seen = step(state_of((4, 2), [(7, 0), (0, 0)], [(2, 3), (8, 4)]), STAY, num_water=2)[0]
        np.testing.assert_allclose(seen, [3 / 8, -2 / 4, 0.4, 1.0, -2 / 8, 1 / 4, 0.45], atol=1e-6)

    def test_what_is_gone_does_not_smell(self):
        state = state_of((4, 2), [(7, 0)], [(2, 3)], gone=(1,))
        np.testing.assert_allclose(step(state, STAY, deplete_sources=True)[0][4:6], 0.0)

    def test_salt_smells_like_water_unless_hazards_smell(self):
        state = state_of((4, 2), [(7, 0)], [(2, 3)], salty=(0,))
        np.testing.assert_allclose(step(state, STAY)[0][4:6], [-2 / 8, 1 / 4])
        np.testing.assert_allclose(step(state, STAY, hazard_smell=1.0)[0][4:6], [2 / 8, -1 / 4])

    def test_both_gradients_fall_silent_together(self):
        state = state_of((4, 2), [(7, 0)], [(2, 3)])
        seen = np.stack([step(state, STAY, grad_dropout_p=0.5, seed=i)[0] for i in range(32)])
        silent = (seen[:, :2] == 0).all(axis=1)
        assert 4 < silent.sum() < 28
        np.testing.assert_array_equal(silent, (seen[:, 4:6] == 0).all(axis=1))
        np.testing.assert_allclose(seen[:, 6], 0.45)

    def test_sense_radius_ends_each_gradient_on_its_own(self):
        seen = step(state_of((4, 2), [(7, 2)], [(4, 4)]), STAY, sense_radius=2.5)[0]
        np.testing.assert_allclose(seen[jnp.asarray([0, 1, 4, 5])], [0, 0, 0, 2 / 4])


LAWS = {"layout_uniform": UNIFORM, "layout_clustered": CLUSTERED, "layout_opposite": OPPOSITE}


@functools.partial(jax.jit, static_argnames="env")
def births(env, params, keys):
    return jax.vmap(lambda key: env.reset_env(key, params)[1])(keys)


def inside(cells, box):
    x, y = np.asarray(cells)[..., 0], np.asarray(cells)[..., 1]
    x0, y0, width, height = (np.asarray(box)[:, None, i] for i in range(4))
    return (x >= x0) & (x < x0 + width) & (y >= y0) & (y < y0 + height)


class TestLayouts:
    ENV = Homeostasis(num_sources=3, num_water=2)

    def born(self, lives=256, **knobs):
        weights = {name: knobs.pop(name, 0.0) for name in LAWS}
        params = params_of(**{"width": 12, "height": 8, "num_salty": 1, **weights, **knobs})
        # Weights as arrays, so that all of these tests share compiled code.
        params = params.replace(**{name: jnp.float32(weight) for name, weight in weights.items()})
        return births(self.ENV, params, jax.random.split(jax.random.key(1), lives))

    def test_laws_are_drawn_by_their_weights(self):
        laws = np.asarray(self.born(4096, layout_uniform=1.0, layout_clustered=2.0, layout_opposite=5.0).layout)
        shares = np.bincount(laws, minlength=3) / laws.size
        assert np.allclose(shares, [1 / 8, 2 / 8, 5 / 8], atol=4 * np.sqrt(0.25 / laws.size))

    def test_sources_lie_in_their_boxes_and_fill_them(self):
        state = self.born(layout_uniform=1.0, layout_clustered=1.0, layout_opposite=1.0, layout_shifts=True)
        assert inside(state.source_pos[:, :3], state.food_box).all()
        assert inside(state.source_pos[:, 3:], state.water_box).all()
        assert {tuple(c) for c in np.asarray(state.source_pos).reshape(-1, 2).tolist()} == {
            (x, y) for x in range(12) for y in range(8)
        }

    def test_without_shifts_food_is_at_the_left(self):
        state = self.born(layout_opposite=1.0, layout_spread=3)
        np.testing.assert_array_equal(state.food_box, np.broadcast_to([0, 0, 3, 8], (256, 4)))
        np.testing.assert_array_equal(state.water_box, np.broadcast_to([9, 0, 3, 8], (256, 4)))

    def test_without_shifts_clusters_keep_their_centres(self):
        state = self.born(layout_clustered=1.0, layout_spread=2)
        # Around (3, 4) and (8, 4), two cells to each side.
        np.testing.assert_array_equal(state.food_box, np.broadcast_to([1, 2, 5, 5], (256, 4)))
        np.testing.assert_array_equal(state.water_box, np.broadcast_to([6, 2, 5, 5], (256, 4)))

    def test_with_shifts_there_are_four_sides(self):
        state = self.born(layout_opposite=1.0, layout_spread=3, layout_shifts=True)
        pairs = {(tuple(f), tuple(w)) for f, w in zip(state.food_box.tolist(), state.water_box.tolist(), strict=True)}
        left, right, top, bottom = (0, 0, 3, 8), (9, 0, 3, 8), (0, 0, 12, 3), (0, 5, 12, 3)
        assert pairs == {(left, right), (right, left), (top, bottom), (bottom, top)}

    @pytest.mark.parametrize(
        ("width", "height", "first", "last"),
        [(12, 1, (0, 0, 3, 1), (9, 0, 3, 1)), (1, 12, (0, 0, 1, 3), (0, 9, 1, 3))],
    )
    def test_a_line_has_two_sides(self, width, height, first, last):
        boxes = {}
        for shifts in (False, True):
            state = self.born(layout_opposite=1.0, layout_spread=3, layout_shifts=shifts, width=width, height=height)
            both = zip(state.food_box.tolist(), state.water_box.tolist(), strict=True)
            boxes[shifts] = {(tuple(food), tuple(water)) for food, water in both}
        assert boxes == {False: {(first, last)}, True: {(first, last), (last, first)}}

    def test_clusters_that_shift_stay_in_the_world(self):
        state = self.born(layout_clustered=1.0, layout_spread=2, layout_shifts=True)
        for box in (np.asarray(state.food_box), np.asarray(state.water_box)):
            assert (box[:, :2] >= 0).all()
            assert (box[:, :2] + box[:, 2:] <= [12, 8]).all()
            assert (box[:, 2:].max(axis=0) == [5, 5]).all()
            assert len({tuple(b) for b in box.tolist()}) > 40

    def test_sources_come_back_in_their_boxes(self):
        boxes = ((0, 0, 2, 5), (7, 1, 2, 3))
        state = state_of((3, 2), [(4, 2)], [(4, 2)], boxes=boxes)
        params, env = params_of(deplete_sources=True, respawn_delay=0), world_of(state, 1)
        keys = jax.random.split(jax.random.key(0), 512)
        after = jax.jit(jax.vmap(lambda key: env.step_env(key, state, RIGHT, params)[1].source_pos))(keys)
        for kind, (x0, y0, width, height) in enumerate(boxes):
            cells = {tuple(c) for c in np.asarray(after[:, kind]).tolist()}
            assert cells == {(x, y) for x in range(x0, x0 + width) for y in range(y0, y0 + height)}

    def test_no_law_at_all_is_rejected(self):
        with pytest.raises(
            ValueError, match="one of layout_uniform, layout_clustered, layout_opposite must be above 0"
        ):
            Homeostasis(default_params=HomeostasisParams(layout_uniform=0.0))

    def test_more_salt_than_water_is_rejected(self):
        env, params = make("L2.1")
        with pytest.raises(ValueError, match="num_salty must be at most num_water = 6, got 7"):
            env.check_params(params.replace(num_salty=7))


class TestIdle:
    def test_a_plain_step_draws_nothing_and_a_uniform_birth_only_for_its_sources(self):
        state = state_of((4, 2), [(7, 0)], [(2, 3)])
        assert draws(functools.partial(step), state, STAY) == 0
        assert draws(lambda key: Homeostasis().reset_env(key, params_of()), jax.random.key(0)) == 2

    def test_concrete_and_traced_params_give_the_same_results(self):
        env, params = make("L2.2")
        keys = jax.random.split(jax.random.key(0), 16)

        def run(params, key):
            observation, state = env.reset_env(key, params)
            return observation, env.step_env(key, state, LEFT, params)

        concrete = jax.jit(jax.vmap(functools.partial(run, params)))(keys)
        assert_same(jax.jit(jax.vmap(run, in_axes=(None, 0)))(params, keys), concrete)
