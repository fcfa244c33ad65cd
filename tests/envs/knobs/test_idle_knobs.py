"""An idle knob costs nothing, and no feature disturbs another."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import assert_same, draws

from koki2_envs import make, ramp
from koki2_envs.environments import Foraging, ForagingState
from koki2_envs.knobs import knob_fields, spec_of
from koki2_envs.params import ForagingParams

LEFT, RIGHT, LIVES = 3, 4, 64
ENV = Foraging(num_sources=3)
PLAIN = ForagingParams(width=9, height=5, num_bad_sources=1, energy_decay=0.1)
# What can be switched on, and the knobs it takes.
FEATURES = {
    "motor": {"motor_gain": 0.5},
    "depletion": {"deplete_sources": True, "respawn_delay": 0},
    "coin": {"deplete_sources": True, "respawn_delay": 0, "bad_source_deplete_p": 0.5},
    "dropout": {"grad_dropout_p": 0.5},
    "noise": {"obs_noise": 0.3},
}
# A good and a bad source to the right of the agent, and a good one near by.
STATE = ForagingState(
    time=jnp.int32(3),
    succeeded=jnp.bool_(False),
    pos=jnp.asarray([3, 2], jnp.int32),
    source_pos=jnp.asarray([[4, 2], [4, 2], [1, 1]], jnp.int32),
    source_is_bad=jnp.asarray([False, True, False]),
    source_active=jnp.ones(3, bool),
    source_respawn_t=jnp.zeros(3, jnp.int32),
    energy=jnp.float32(0.5),
    integrity=jnp.float32(1.0),
)


def steps(params, key, action=RIGHT):
    return ENV.step_env(key, STATE, action, params)


@functools.partial(jax.jit, static_argnames="constants")
def traced_lives(params, constants=(), action=RIGHT):
    params = params.with_constants(constants)
    return jax.vmap(lambda key: steps(params, key, action))(jax.random.split(jax.random.key(0), LIVES))


def concrete_lives(params):
    return jax.jit(jax.vmap(functools.partial(steps, params)))(jax.random.split(jax.random.key(0), LIVES))


def with_features(*names):
    return PLAIN.replace(**{knob: value for name in names for knob, value in FEATURES[name].items()})


class TestIdleKnobs:
    def test_a_plain_world_draws_nothing_in_a_step(self):
        assert draws(functools.partial(steps, PLAIN), jax.random.key(0)) == 0

    @pytest.mark.parametrize(
        ("feature", "count"), [("motor", 1), ("depletion", 1), ("coin", 2), ("dropout", 1), ("noise", 1)]
    )
    def test_a_feature_draws_only_for_itself(self, feature, count):
        assert draws(functools.partial(steps, with_features(feature)), jax.random.key(0)) == count

    def test_a_schedule_that_stays_neutral_is_idle(self):
        params = PLAIN.replace(obs_noise=ramp(0.0, 0.0), motor_gain=ramp(1.0, 1.0))
        assert draws(functools.partial(steps, params), jax.random.key(0)) == 0

    def test_the_idle_knobs_are_those_at_their_neutral_value_for_the_whole_life(self):
        neutral = {name for name, field in knob_fields(PLAIN).items() if spec_of(field).neutral is not None}
        assert {name for name, _ in PLAIN.idle_knobs()} == neutral
        busy = PLAIN.replace(obs_noise=0.1, grad_gain=ramp(0.0, 1.0), deplete_sources=True)
        assert neutral - {name for name, _ in busy.idle_knobs()} == {"obs_noise", "grad_gain", "deplete_sources"}

    def test_idle_knobs_can_be_restored_inside_a_compiled_function(self):
        params = with_features("noise")

        def restored(params, key, constants):
            return steps(params.with_constants(constants), key)

        key = jax.random.key(0)
        assert draws(functools.partial(restored, constants=()), params, key) == 5
        assert draws(functools.partial(restored, constants=params.idle_knobs()), params, key) == 1
        assert_same(traced_lives(params, params.idle_knobs()), traced_lives(params))


@pytest.mark.parametrize("features", [(), *((name,) for name in FEATURES), tuple(FEATURES)], ids="+".join)
def test_concrete_and_traced_params_give_the_same_results(features):
    params = with_features(*features)
    assert_same(traced_lives(params), concrete_lives(params))


def test_batched_params_give_the_same_results():
    sweep = [with_features(), with_features(*FEATURES)]
    batch = jax.tree.map(lambda *knobs: jnp.asarray(knobs), *sweep)
    rows = jax.vmap(traced_lives)(batch)
    for i, params in enumerate(sweep):
        assert_same(jax.tree.map(lambda x, i=i: x[i], rows), traced_lives(params))


class TestIndependence:
    def test_moves_are_carried_out_alike_with_and_without_the_other_features(self):
        alone, together = (np.asarray(traced_lives(with_features(*f))[1].pos) for f in (("motor",), FEATURES))
        assert len(np.unique(alone[:, 0])) == 2
        np.testing.assert_array_equal(alone, together)

    def test_sources_deplete_and_come_back_alike(self):
        alone = traced_lives(with_features("coin"))[1].source_pos
        together = traced_lives(with_features(*FEATURES))[1]
        moved = np.asarray(together.pos[:, 0] == 4)
        assert 0 < moved.sum() < LIVES
        np.testing.assert_array_equal(together.source_pos[moved], alone[moved])

    def test_the_coin_does_not_move_the_places_of_others(self):
        coin, sure = (np.asarray(traced_lives(with_features(f))[1].source_pos) for f in ("coin", "depletion"))
        np.testing.assert_array_equal(coin[:, 0], sure[:, 0])
        depleted = (coin[:, 1] == sure[:, 1]).all(axis=1)
        assert 0 < depleted.sum() < LIVES

    def test_the_gradient_is_silent_in_the_same_steps(self):
        # To the left of the agent there is nothing, so that the gradient is silent by dropout only.
        features = ("dropout",), [name for name in FEATURES if name != "noise"]
        seen = [np.asarray(traced_lives(with_features(*f), action=LEFT)[0][:, :2]) for f in features]
        alone, together = ((gradient == 0).all(axis=1) for gradient in seen)
        np.testing.assert_array_equal(alone, together)
        assert 0 < alone.sum() < LIVES

    def test_the_noise_is_the_same(self):
        others = [name for name in FEATURES if name != "noise"]
        alone = traced_lives(with_features("noise"))[0] - traced_lives(with_features())[0]
        together = traced_lives(with_features(*FEATURES))[0] - traced_lives(with_features(*others))[0]
        np.testing.assert_allclose(alone, together, atol=1e-6)
        assert np.asarray(alone).std() > 0.2


def test_sweeping_knobs_compiles_once():
    env, params = make("L1.1")
    traces = []

    @jax.jit
    def run(params):
        traces.append(1)
        return env.reset_env(jax.random.key(0), params)[0]

    for value in (0.0, 0.25, 1.0):
        run(params.replace(grad_dropout_p=value, energy_init=1.0 - value / 2, obs_noise=value))
    assert len(traces) == 1
    for end in (0.0, 1.0):
        run(params.replace(grad_gain=ramp(0.0, end)))
    assert len(traces) == 2


def test_step_in_compiled_code_draws_only_for_what_is_on():
    """Where knobs are plain numbers they stay so through ``step``; the draws that are left are those of a birth."""

    def many(params):
        def run(keys, actions):
            return jax.vmap(lambda key, action: ENV.step(key, STATE, action, params))(keys, actions)

        return run

    keys, actions = jax.random.split(jax.random.key(0), 3), jnp.asarray([LEFT, RIGHT, 0])
    births = 2 * draws(lambda key: ENV.reset_env(key, PLAIN), keys[0])  # one way for CPUs, one for other devices
    assert draws(many(PLAIN), keys, actions) == births > 0
    assert draws(many(PLAIN.replace(motor_gain=0.5)), keys, actions) == births + 1
    plain = jax.jit(many(PLAIN))(keys, actions)
    traced = jax.jit(lambda params, *arguments: many(params)(*arguments))(PLAIN, keys, actions)
    jax.tree.map(np.testing.assert_array_equal, plain, traced)
