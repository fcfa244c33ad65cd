"""One life in a world of pencil and paper: the same happens every time, and after death all numbers are absurd."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_train.brains import Blueprint, Brain, Interface
from koki2_train.rollout.lifetime import rollout_life, trace_life


class PaperState(NamedTuple):
    time: jax.Array
    integrity: jax.Array


@dataclass(frozen=True)
class PaperWorld:
    """Feeds 0.5 at step 1 and harms 0.25 at step 2; dies in step ``death``, after which everything is 1e6."""

    death: int
    num_actions: ClassVar[int] = 3
    metric_names: ClassVar[tuple[str, ...]] = ("drizzle",)

    def reset_env(self, key, params):
        return jnp.zeros(2), PaperState(jnp.int32(0), jnp.float32(1.0))

    def phase(self, t, params):
        return t / 8

    def step_env(self, key, state, action, params):
        t, dead = state.time, state.time > self.death
        after = PaperState(t + 1, jnp.where(t >= 2, 0.75, 1.0) - 1e6 * dead)
        info = {
            "energy_gained": 0.5 * (t == 1) + 1e6 * dead,
            "integrity_lost": 0.25 * (t == 2) + 1e6 * dead,
            "bad_arrivals": 1.0 * (t == 2) + 1e6 * dead,
            "drive_reduction": 0.125 * t,
            "drizzle": 2.0 * t + 1e6 * dead,
            "reached_source": (t == 1) | dead,
        }
        reward = 1.0 + 10.0 * info["energy_gained"]
        return jnp.full(2, t + 1.0), after, reward, t >= self.death, info


class Diary(NamedTuple):
    outcomes: jax.Array
    chosen: jax.Array
    time: jax.Array


class DiaryBrain(Brain):
    """Writes down what it feels, and acts on the last thing it learned: 2 after food, 1 after harm, else 0."""

    def __init__(self):
        super().__init__("diary", Interface((), (), ()))

    def blueprint(self):
        return Blueprint.of()

    def init(self, weights):
        return Diary(jnp.zeros((6, 7)), jnp.int32(0), jnp.int32(0))

    def act(self, weights, carry, observation, key):
        return carry.chosen, carry

    def learn(self, weights, carry, outcome):
        chosen = jnp.where(outcome.energy_gained > 0, 2, jnp.where(outcome.integrity_lost > 0, 1, 0)).astype(jnp.int32)
        felt = jnp.stack([jnp.float32(part) for part in outcome if part is not None])
        return Diary(carry.outcomes.at[carry.time].set(felt), chosen, carry.time + 1)

    def measure(self, weights, before, after, outcome):
        names = ("weight_change", "weight_change_on_event", "modulator")
        felt = (outcome.energy_gained, outcome.integrity_lost, outcome.drive_reduction)
        return dict(zip(names, felt, strict=True))

    def recordings(self, weights, carry):
        return {"outcomes": carry.outcomes}


def test_steps_after_death_count_in_nothing():
    summary = rollout_life(PaperWorld(death=3), None, DiaryBrain(), (), jax.random.key(0), num_steps=6)
    expected = {
        "fitness": 4 + 5.0,
        "success": 1.0,
        "steps_alive": 4,
        "energy_gained": 0.5,
        "bad_arrivals": 1.0,
        "integrity_lost": 0.25,
        "integrity_min": 0.75,
        "action_entropy": -(0.5 * np.log(0.5) + 2 * 0.25 * np.log(0.25)),
        "action_mode_fraction": 0.5,
        "event_fraction": 0.5,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(getattr(summary, name), value, rtol=1e-6, err_msg=name)
    assert jax.tree.map(float, summary.world_metrics) == {"drizzle": 2.0 * (0 + 1 + 2 + 3)}


def test_success_after_death_is_none():
    summary = rollout_life(PaperWorld(death=0), None, DiaryBrain(), (), jax.random.key(0), num_steps=6)
    assert [float(x) for x in (summary.success, summary.steps_alive, summary.event_fraction)] == [0, 1, 0]


def test_a_brain_that_learns_feels_every_step_and_acts_on_it_in_the_next():
    world = PaperWorld(death=10)
    summary, trace = trace_life(world, None, DiaryBrain(), (), jax.random.key(0), num_steps=6)
    np.testing.assert_array_equal(trace.action, [0, 0, 2, 1, 0, 0])
    felt = np.asarray(trace.recordings["outcomes"][-1])[:5]
    t = np.arange(5)
    columns = (1.0, 0.5 * (t == 1), 0.0, 0.25 * (t == 2), 0.125 * t, 1 + 5.0 * (t == 1), t / 8)
    for index, expected in enumerate(columns):
        np.testing.assert_allclose(felt[:, index], np.broadcast_to(expected, 5))
    np.testing.assert_allclose(summary.weight_change, 0.5 / 6)
    np.testing.assert_allclose(summary.weight_change_on_event, 0.25 / 6)
    np.testing.assert_allclose(summary.modulator, 0.125 * (0 + 1 + 2 + 3 + 4 + 5) / 6, err_msg="mean over steps lived")


class TwoActions(DiaryBrain):
    """Acts twice in one step."""

    def act(self, weights, carry, observation, key):
        return jnp.zeros(2, jnp.int32), carry


def test_an_action_of_wrong_shape_is_rejected_by_name():
    with pytest.raises(AssertionError, match="the action of TwoActions"):
        rollout_life(PaperWorld(death=3), None, TwoActions(), (), jax.random.key(0), num_steps=6)
