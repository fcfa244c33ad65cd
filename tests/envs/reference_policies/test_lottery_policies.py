"""Policies of the valence lottery: what each does in situations made by hand, their scores, and how a life looks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_envs import REFERENCE_POLICIES, make, rollout
from koki2_envs.environments import Lottery, LotteryState, Seasons
from koki2_envs.params import LotteryParams
from koki2_envs.reference_policies import MemoryPolicy, policies_of, policy_called
from koki2_envs.rendering import scene_of
from koki2_envs.rendering.scenes.lottery import share_of_good
from koki2_envs.rendering.still import draw_life

STAY, UP, DOWN, LEFT, RIGHT = range(5)
ENV = Lottery(num_smells=4, sources_per_smell=1)
PARAMS = LotteryParams(width=9, height=9, num_feeding=2, smell_law="nearness", energy_decay=0.01, energy_gain=0.1)
FAR = (8, 8)


def state_of(pos, cells, *, harm=(False, False, True, True), energy=0.5):
    return LotteryState(
        time=jnp.int32(1),
        succeeded=jnp.bool_(False),
        pos=jnp.asarray(pos, jnp.int32),
        source_pos=jnp.asarray(cells, jnp.int32),
        source_is_bad=jnp.asarray(harm),
        source_active=jnp.ones(4, bool),
        source_respawn_t=jnp.zeros(4, jnp.int32),
        energy=jnp.float32(energy),
        integrity=jnp.float32(1.0),
        reversal_phi=jnp.float32(1.0),
        good_in_a_row=jnp.int32(0),
    )


def observation(energy=0.5):
    return jnp.zeros(9).at[8].set(energy)


class TestWhatMemoryLearns:
    @pytest.fixture(scope="class")
    @staticmethod
    def policy():
        return policy_called("memory", ENV)

    def learn(self, policy, learned, bitten, fed):
        flags = jnp.isin(jnp.arange(4), jnp.asarray(bitten))
        return policy.learn(ENV, PARAMS, jnp.asarray(learned, jnp.int32), flags, jnp.asarray(fed)).tolist()

    @pytest.mark.parametrize(
        ("learned", "bitten", "fed", "after", "avoided"),
        [
            ([0, 0, 0, 0], [1], True, [0, 1, 0, 0], []),
            ([0, 0, 0, 0], [1], False, [0, -1, 0, 0], [1]),
            ([0, 1, 0, 0], [3], True, [0, 1, 0, 1], [0, 2]),  # two feed: the others are avoided untried
            ([0, 1, 0, 0], [0, 2], False, [-1, 1, -1, 0], [0, 2]),
            ([0, 0, 0, 0], [0, 2], True, [0, 0, 0, 0], []),  # one of two fed, which one is not felt
            ([1, 1, 0, 0], [0], False, [-1, -1, 0, 0], [0, 1]),  # what is known is wrong: all have turned
            ([1, 1, 0, 0], [2], True, [-1, -1, 1, 0], [0, 1]),
            ([0, -1, -1, 0], [0], False, [-1, 1, 1, 0], [0, 3]),
        ],
    )  # fmt: skip
    def test_bites_and_elimination(self, policy, learned, bitten, fed, after, avoided):
        assert self.learn(policy, learned, bitten, fed) == after
        avoids = policy.avoids(ENV, PARAMS, jnp.asarray(after, jnp.int32))
        assert np.flatnonzero(avoids).tolist() == avoided

    def test_win_stay_knows_the_last_bite_alone(self):
        policy = policy_called("win_stay", ENV)
        assert self.learn(policy, [0, 0, 0, 0], [1], False) == [0, -1, 0, 0]
        assert self.learn(policy, [0, -1, 0, 0], [2], True) == [0, 0, 0, 0]
        assert self.learn(policy, [0, -1, 0, 0], [], False) == [0, -1, 0, 0]


def acts(name, *moments):
    """The actions of a policy over several moments of state and sensed energy."""
    policy = policy_called(name, ENV)
    memory, actions = policy.init(ENV) if isinstance(policy, MemoryPolicy) else (), []
    for state, energy in moments:
        if isinstance(policy, MemoryPolicy):
            action, memory = policy.act(ENV, PARAMS, state, observation(energy), memory, jax.random.key(0))
        else:
            action = policy(ENV, PARAMS, state, observation(energy), jax.random.key(0))
        actions.append(int(action))
    return actions


class TestWhereTheyWalk:
    def test_greedy_climbs_the_strongest_gradient(self):
        seen = observation().at[jnp.asarray([0, 4, 5])].set(jnp.asarray([0.3, 0.1, -0.4]))
        assert int(REFERENCE_POLICIES["greedy"](ENV, PARAMS, None, seen, None)) == UP
        assert int(REFERENCE_POLICIES["greedy"](ENV, PARAMS, None, observation(), None)) == STAY

    def test_the_oracle_walks_past_what_harms(self):
        assert acts("oracle", (state_of((4, 4), [(4, 1), FAR, (5, 4), FAR]), 0.5)) == [UP]

    def test_memory_does_not_return_to_what_harmed_and_cannot_know_before(self):
        # A harmful source at the right of the agent, a good one three cells above; then another harmful one beside it.
        before = state_of((4, 4), [(4, 1), FAR, (5, 4), FAR])
        after = state_of((5, 4), [(5, 1), FAR, (6, 4), FAR])
        assert acts("memory", (before, 0.5), (after, 0.49)) == [RIGHT, UP]
        assert acts("win_stay", (before, 0.5), (after, 0.49)) == [RIGHT, UP]
        assert acts("memory", (before, 0.5), (after, 0.59)) == [RIGHT, RIGHT]

    def test_memory_reads_no_valence(self):
        for moment in ((4, 4), (5, 4)):
            one, other = (state_of(moment, [(4, 1), FAR, (5, 4), FAR], harm=h) for h in ((False,) * 4, (True,) * 4))
            assert acts("memory", (one, 0.5)) == acts("memory", (other, 0.5))


def lives_of(rung, name, n):
    env, params = make(rung)
    keys = jax.random.split(jax.random.key(11), n)
    return jax.device_get(jax.vmap(lambda key: _kept(rollout(env, params, name, key)))(keys))


def _kept(life):
    counts = {name: jnp.where(life.alive, life.info[name], 0).sum() for name in ("good_arrivals", "bad_arrivals")}
    return {"fitness": life.fitness, **counts}


# Means and halves of their 95 % intervals over 4,096 lives of an independent implementation of this world.
MEASURED = {
    ("L5.0", "random"): (1.61, 0.07), ("L5.0", "greedy"): (22.38, 0.17), ("L5.0", "win_stay"): (25.77, 0.17),
    ("L5.0", "memory"): (57.22, 0.11), ("L5.0", "oracle"): (58.51, 0.11), ("L5.1", "random"): (1.62, 0.07),
    ("L5.1", "greedy"): (22.42, 0.17), ("L5.1", "win_stay"): (25.54, 0.17), ("L5.1", "memory"): (55.84, 0.11),
    ("L5.1", "oracle"): (58.49, 0.11),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("rung", "name"), MEASURED)
def test_scores_agree_with_another_implementation(rung, name):
    lives = lives_of(rung, name, 1024)
    mean, half = MEASURED[rung, name]
    error = np.hypot(np.std(lives["fitness"]) / np.sqrt(lives["fitness"].size), half / 1.96)
    assert abs(np.mean(lives["fitness"]) - mean) < 4 * error
    surplus = lives["good_arrivals"] - lives["bad_arrivals"]
    error = np.std(surplus) / np.sqrt(surplus.size)
    if name in ("random", "greedy"):
        assert abs(np.mean(surplus)) < 4 * error, (
            "by symmetry, a policy without memory bites good and bad equally often"
        )
    else:
        assert np.mean(surplus) > 4 * error


def test_only_the_lottery_has_policies_of_its_own():
    assert list(policies_of(ENV)) == [*REFERENCE_POLICIES, "win_stay", "memory"]
    assert list(policies_of(Seasons())) == list(REFERENCE_POLICIES)
    with pytest.raises(ValueError, match="unknown policy 'memry'; did you mean 'memory'"):
        policy_called("memry", ENV)


@pytest.mark.slow
class TestPicture:
    def test_bites_and_what_feeds_can_be_seen(self):
        env, params = make("L5.1")
        record = jax.device_get(rollout(env, params, "random", jax.random.key(2)))
        scene = scene_of(env, params, record)
        assert [layer.pos.shape[1] for layer in scene.layers] == [2, 2, 2, 2]
        turned = record.states.source_is_bad[0, ::2]
        assert [layer.name for layer in scene.layers] == [
            f"smell {n + 1} {'harms → feeds' if harms else 'feeds → harms'}" for n, harms in enumerate(turned)
        ]
        assert [curve.name for curve in scene.senses][-2:] == ["good bites (share)", "reversed (hidden)"]
        strength = np.linalg.norm(record.observations[: record.num_lived, 2:4], axis=1)
        np.testing.assert_allclose(scene.senses[1].values, strength)
        events = {event.name: event.times.size for event in scene.events}
        assert events.get("ate", 0) == (record.info["good_arrivals"][: record.num_lived] > 0).sum()

    def test_the_legend_does_not_run_into_the_panels(self):
        env, params = make("L5.1")
        figure = draw_life(env, params, jax.device_get(rollout(env, params, "memory", jax.random.key(4))))
        (plane, _, *panels), renderer = figure.axes, figure.canvas.get_renderer()
        labels = [panel.yaxis.label.get_window_extent(renderer).x0 for panel in panels]
        assert plane.get_legend().get_window_extent(renderer).x1 <= min(labels)

    def test_the_share_of_good_bites_is_over_the_last_ten(self):
        good, bad = np.zeros(14), np.zeros(14)
        good[[1, 12]], bad[2:12] = 1, 1
        np.testing.assert_allclose(share_of_good(good, bad), [0, 1, *(1 / n for n in range(2, 11)), 0, 0.1, 0.1])
