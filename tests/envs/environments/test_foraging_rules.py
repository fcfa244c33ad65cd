"""Every rule of the foraging worlds, against numbers worked out by hand."""

import jax
import numpy as np
import pytest
from handmade_foraging import DOWN, LEFT, RIGHT, STAY, UP, state_of, step

from koki2_envs import ramp
from koki2_envs.environments import Foraging
from koki2_envs.params import ForagingParams

FAR = [[8, 4]]


class TestMovement:
    @pytest.mark.parametrize(
        ("action", "expected"), [(STAY, (4, 2)), (UP, (4, 1)), (DOWN, (4, 3)), (LEFT, (3, 2)), (RIGHT, (5, 2))]
    )
    def test_each_action_moves_one_cell(self, action, expected):
        assert tuple(step(state_of((4, 2), FAR), action)[1].pos) == expected

    @pytest.mark.parametrize(("pos", "action"), [((0, 0), LEFT), ((0, 0), UP), ((8, 4), RIGHT), ((8, 4), DOWN)])
    def test_the_border_stops_a_move(self, pos, action):
        assert tuple(step(state_of(pos, [[4, 2]]), action)[1].pos) == pos

    def test_motor_gain_is_the_share_of_moves_that_are_carried_out(self):
        assert tuple(step(state_of((4, 2), FAR), RIGHT, motor_gain=0.0)[1].pos) == (4, 2)
        moved = [int(step(state_of((4, 2), FAR), RIGHT, motor_gain=0.5, seed=i)[1].pos[0]) - 4 for i in range(64)]
        assert set(moved) == {0, 1}
        assert 16 < sum(moved) < 48

    def test_time_advances(self):
        assert int(step(state_of((4, 2), FAR, time=6), STAY)[1].time) == 7


class TestContactAndArrival:
    def test_entering_a_sources_cell_is_an_arrival(self):
        _, after, _, _, info = step(state_of((3, 2), [[4, 2]]), RIGHT)
        assert float(info["energy_gained"]) == 0.25
        assert bool(info["reached_source"])
        assert float(after.energy) == pytest.approx(0.5 - 0.1 + 0.25)

    def test_staying_with_a_source_is_contact_but_no_arrival(self):
        _, after, _, _, info = step(state_of((4, 2), [[4, 2]]), STAY)
        assert float(info["energy_gained"]) == 0.0
        assert bool(info["reached_source"])
        assert float(after.energy) == pytest.approx(0.4)

    def test_leaving_and_coming_back_is_an_arrival_again(self):
        _, away, *_ = step(state_of((4, 2), [[4, 2]]), LEFT)
        assert float(step(away, RIGHT)[4]["energy_gained"]) == 0.25

    def test_bumping_into_the_border_on_a_source_is_no_arrival(self):
        assert float(step(state_of((0, 2), [[0, 2]]), LEFT)[4]["energy_gained"]) == 0.0

    def test_two_good_sources_in_a_cell_feed_twice(self):
        _, after, _, _, info = step(state_of((3, 2), [[4, 2], [4, 2]]), RIGHT)
        assert float(info["energy_gained"]) == 0.5
        assert float(after.energy) == pytest.approx(0.9)

    def test_a_good_and_a_bad_source_in_a_cell_both_act(self):
        _, after, _, _, info = step(
            state_of((3, 2), [[4, 2], [4, 2]], bad=[False, True]), RIGHT, bad_source_integrity_loss=0.4
        )
        assert float(info["energy_gained"]) == 0.25
        assert float(info["bad_arrivals"]) == 1.0
        assert float(info["integrity_lost"]) == pytest.approx(0.4)
        assert float(after.integrity) == pytest.approx(0.6)

    def test_a_bad_source_feeds_nothing_and_is_not_reached(self):
        _, after, _, _, info = step(state_of((3, 2), [[4, 2]], bad=[True]), RIGHT)
        assert float(info["energy_gained"]) == 0.0
        assert not bool(info["reached_source"])
        assert not bool(after.succeeded)

    def test_an_inactive_source_is_not_there(self):
        _, _, _, _, info = step(state_of((3, 2), [[4, 2]], active=[False], timers=[3]), RIGHT, deplete_sources=True)
        assert float(info["energy_gained"]) == 0.0
        assert not bool(info["reached_source"])

    def test_a_source_that_came_back_under_the_agent_is_arrived_at_only_by_moving(self):
        under = state_of((4, 2), [[4, 2]])
        assert float(step(under, STAY, deplete_sources=True)[4]["energy_gained"]) == 0.0


class TestBodyAndEnds:
    def test_energy_is_clipped_but_what_was_eaten_counts_in_full(self):
        _, after, _, _, info = step(state_of((3, 2), [[4, 2]], energy=0.95), RIGHT)
        assert float(after.energy) == 1.0
        assert float(info["energy_gained"]) == 0.25

    def test_energy_zero_ends_the_life(self):
        _, after, _, terminated, _ = step(state_of((4, 2), FAR, energy=0.1), STAY)
        assert float(after.energy) == 0.0
        assert bool(terminated)

    def test_food_in_the_last_moment_saves(self):
        assert not bool(step(state_of((3, 2), [[4, 2]], energy=0.05), RIGHT)[3])

    def test_integrity_zero_ends_the_life(self):
        _, after, _, terminated, _ = step(
            state_of((3, 2), [[4, 2]], bad=[True], integrity=0.25), RIGHT, bad_source_integrity_loss=0.3
        )
        assert float(after.integrity) == 0.0
        assert bool(terminated)

    @pytest.mark.parametrize(("bad", "ends"), [(False, True), (True, False)])
    def test_terminate_on_reach_ends_the_life_at_a_good_source_only(self, bad, ends):
        assert bool(step(state_of((3, 2), [[4, 2]], bad=[bad]), RIGHT, terminate_on_reach=True)[3]) == ends

    def test_terminate_on_reach_needs_contact_only(self):
        assert bool(step(state_of((4, 2), [[4, 2]]), STAY, terminate_on_reach=True)[3])
        assert not bool(step(state_of((4, 2), [[4, 2]]), STAY)[3])

    def test_birth(self):
        params = ForagingParams(width=9, height=4, energy_init=0.3)
        observation, state = Foraging(num_sources=3).reset_env(jax.random.key(0), params)
        assert tuple(state.pos) == (4, 2)
        assert float(state.energy) == pytest.approx(0.3)
        assert float(state.integrity) == 1.0
        assert bool(state.source_active.all())
        assert not bool(state.succeeded)
        np.testing.assert_allclose(observation[2:], [0.3, 1.0])

    def test_a_life_of_one_step(self):
        env = Foraging()
        params = ForagingParams(max_steps_in_episode=1, energy_decay=ramp(0.25, 0.5))
        _, state = env.reset(jax.random.key(0), params)
        *_, terminated, truncated, info = env.step(jax.random.key(0), state, STAY, params)
        assert bool(truncated)
        assert not bool(terminated)
        # Its only transition happens at φ = 0.
        assert float(info["final_observation"][2]) == 0.75


class TestDepletion:
    def eaten(self, bad=False, **knobs):
        return step(state_of((3, 2), [[4, 2]], bad=[bad]), RIGHT, deplete_sources=True, energy_decay=0.0, **knobs)[1]

    @pytest.mark.parametrize("delay", [1, 4])
    def test_a_source_is_gone_for_exactly_its_delay(self, delay):
        state = self.eaten(respawn_delay=delay)
        seen = [(bool(state.source_active[0]), int(state.source_respawn_t[0]))]
        for _ in range(delay):
            _, state, *_ = step(state, STAY, deplete_sources=True, respawn_delay=delay, energy_decay=0.0)
            seen.append((bool(state.source_active[0]), int(state.source_respawn_t[0])))
        assert seen == [(False, delay - i) for i in range(delay)] + [(True, 0)]

    def test_a_source_that_is_gone_stays_where_it_was_until_it_is_back(self):
        state = self.eaten(respawn_delay=4)
        assert tuple(state.source_pos[0]) == (4, 2)

    def test_delay_zero_moves_it_within_the_step(self):
        places = set()
        for seed in range(12):
            state = self.eaten(respawn_delay=0, seed=seed)
            assert bool(state.source_active[0])
            assert int(state.source_respawn_t[0]) == 0
            places.add(tuple(int(x) for x in state.source_pos[0]))
        assert len(places) > 4

    @pytest.mark.parametrize(("bad", "bad_delay", "timer"), [(True, -1, 4), (True, 2, 2), (False, 2, 4)])
    def test_bad_sources_may_have_a_delay_of_their_own(self, bad, bad_delay, timer):
        state = self.eaten(bad=bad, respawn_delay=4, bad_source_respawn_delay=bad_delay)
        assert int(state.source_respawn_t[0]) == timer
        assert not bool(state.source_active[0])

    def test_bad_delay_zero_moves_a_bad_source_at_once(self):
        assert bool(self.eaten(bad=True, respawn_delay=4, bad_source_respawn_delay=0).source_active[0])

    @pytest.mark.parametrize(("bad", "active"), [(True, True), (False, False)])
    def test_bad_source_deplete_p_zero_keeps_bad_sources_only(self, bad, active):
        assert bool(self.eaten(bad=bad, bad_source_deplete_p=0.0).source_active[0]) == active

    def test_contact_without_arrival_does_not_deplete(self):
        assert bool(step(state_of((4, 2), [[4, 2]]), STAY, deplete_sources=True)[1].source_active[0])

    def test_without_depletion_a_source_stays(self):
        state = step(state_of((3, 2), [[4, 2]]), RIGHT)[1]
        assert bool(state.source_active[0])
        assert tuple(state.source_pos[0]) == (4, 2)

    def test_a_delay_may_be_scheduled_and_is_rounded(self):
        knobs = {"deplete_sources": True, "respawn_delay": ramp(0, 6), "max_steps_in_episode": 3}
        # At φ = 0.5 the ramp is halfway, at 3 steps.
        after = step(state_of((3, 2), [[4, 2]], time=1), RIGHT, **knobs)[1]
        assert int(after.source_respawn_t[0]) == 3


class TestReward:
    def test_a_plain_step(self):
        assert float(step(state_of((4, 2), FAR), STAY)[2]) == 1.0

    def test_food_and_the_first_success(self):
        assert float(step(state_of((3, 2), [[4, 2]]), RIGHT)[2]) == pytest.approx(1 + 10 * 0.25 + 50)

    def test_success_counts_once(self):
        _, after, *_ = step(state_of((3, 2), [[4, 2]]), RIGHT)
        assert bool(after.succeeded)
        assert float(step(after, STAY)[2]) == 1.0
        assert float(step(state_of((3, 2), [[4, 2]], succeeded=True), RIGHT)[2]) == pytest.approx(3.5)

    def test_weights(self):
        knobs = {"survival_reward": 2.0, "energy_reward": -4.0, "success_bonus": 7.0}
        assert float(step(state_of((3, 2), [[4, 2]]), RIGHT, **knobs)[2]) == pytest.approx(2.0 - 1.0 + 7.0)

    def test_harm_costs_what_it_takes_before_the_body_clips_it(self):
        hurt = state_of((4, 2), [[5, 2]], bad=[True], integrity=0.25)
        _, after, reward, *_ = step(hurt, RIGHT, bad_source_integrity_loss=0.5, harm_cost=3.0, integrity_healing=0.125)
        assert float(reward) == pytest.approx(1.0 - 1.5)
        assert float(after.integrity) == 0.0

    def test_integrity_heals(self):
        bad = state_of((4, 2), [[5, 2]], bad=[True], integrity=0.5)
        healing = {"integrity_healing": 0.125, "bad_source_integrity_loss": 0.25}
        assert float(step(bad, STAY, **healing)[1].integrity) == 0.625
        assert float(step(bad, RIGHT, **healing)[1].integrity) == 0.375
        assert float(step(state_of((4, 2), FAR), STAY, **healing)[1].integrity) == 1.0

    def test_drive_reduction(self):
        body = state_of((3, 2), [[4, 2]], bad=[True], energy=0.5, integrity=0.9)
        knobs = {
            "drive_reward": 3.0, "energy_setpoint": 0.6, "integrity_setpoint": 0.8, "energy_drive_weight": 2.0,
            "integrity_drive_weight": 5.0, "bad_source_integrity_loss": 0.3, "survival_reward": 0.0,
        }  # fmt: skip
        _, _, reward, _, info = step(body, RIGHT, **knobs)
        before = 2 * (0.5 - 0.6) ** 2 + 5 * (0.9 - 0.8) ** 2
        after = 2 * (0.4 - 0.6) ** 2 + 5 * (0.6 - 0.8) ** 2
        assert float(info["drive_reduction"]) == pytest.approx(before - after, abs=1e-6)
        assert float(reward) == pytest.approx(3 * (before - after), abs=1e-6)

    def test_drive_reduction_is_reported_when_it_is_not_rewarded(self):
        info = step(state_of((4, 2), FAR, energy=0.5), STAY)[4]
        assert float(info["drive_reduction"]) == pytest.approx(0.5**2 - 0.6**2, abs=1e-6)

    def test_the_undiscounted_return_is_the_fitness(self):
        knobs = {"deplete_sources": True, "respawn_delay": 1, "drive_reward": 2.0, "energy_decay": 0.05}
        state = state_of((3, 2), [[4, 2], [2, 2]], bad=[False, True])
        total, steps, eaten, reduction = 0.0, 0, 0.0, 0.0
        for t, action in enumerate([LEFT, RIGHT, RIGHT, LEFT, RIGHT, LEFT, RIGHT, DOWN]):
            _, state, reward, _, info = step(state, action, seed=t, **knobs)
            total += float(reward)
            steps += 1
            eaten += float(info["energy_gained"])
            reduction += float(info["drive_reduction"])
        assert eaten > 0
        assert total == pytest.approx(steps + 10 * eaten + 50 + 2 * reduction, rel=1e-5)
