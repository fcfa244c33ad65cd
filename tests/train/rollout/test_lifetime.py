"""One life, compared with a slow loop written by hand."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_envs import REFERENCE_POLICIES, RUNGS, make
from koki2_envs.knobs import knob_fields
from koki2_train.brains import (
    DenseSynapses,
    Interface,
    ReferenceBrain,
    SpikingBrain,
)
from koki2_train.experiment.brain_settings import SpikingSettings
from koki2_train.experiment.sections import DirectSettings
from koki2_train.genomes import DirectGenome
from koki2_train.rollout.lifetime import rollout_life, trace_life
from koki2_train.rollout.metrics import METRICS, LifeSummary

STEPS = 30
LIVES = 5


def small_world(rung, **knobs):
    env, params = make(rung)
    small = {"width": 6, "max_steps_in_episode": STEPS, "energy_gain": 0.05, "energy_decay": 1 / 24}
    extra = {"height": 4} if params.height > 1 else {}
    extra |= (
        {"hydration_decay": 1 / 16, "layout_uniform": 1.0, "layout_opposite": 0.0}
        if "hydration_decay" in knob_fields(params)
        else {}
    )
    return env, params.replace(**small | extra | knobs)


def spiking(env, seed=8):
    """A brain that moves about."""
    brain = SpikingBrain(SpikingSettings(n_neurons=12, k_edges=3), Interface.of(env))
    genome = DirectGenome(DirectSettings(init_scale=1.0), brain.blueprint())
    return brain, brain.develop(genome.compile(genome.init(jax.random.key(seed))), {})


def keys(seed=7, count=LIVES):
    return jax.random.split(jax.random.key(seed), count)


EVENTS = ("energy_gained", "water_gained", "integrity_lost")


def loop(step, reset, env, key, num_steps):
    """The life as a slow loop that stops at death; all metrics from lists of what happened."""
    moment, actions, infos, rewards, integrities, firing = reset(key), [], [], [], [1.0], []
    for t in range(num_steps):
        moment, happened = step(moment, key, t)
        action, reward, terminated, info, integrity = jax.device_get(happened)
        actions.append(int(action))
        rewards.append(float(reward))
        infos.append({name: float(value) for name, value in info.items()})
        integrities.append(float(integrity))
        firing.append(float(np.mean(moment[2].spikes)))
        if terminated:
            break
    total = {name: sum(info[name] for info in infos) for name in infos[0]}
    frequencies = np.bincount(actions, minlength=env.num_actions) / len(actions)
    some = frequencies[frequencies > 0]
    return {
        "fitness": sum(rewards),
        "success": float(total["reached_source"] > 0),
        "steps_alive": len(actions),
        "energy_gained": total["energy_gained"],
        "bad_arrivals": total["bad_arrivals"],
        "integrity_lost": total["integrity_lost"],
        "integrity_min": min(integrities),
        "action_entropy": -np.sum(some * np.log(some)),
        "action_mode_fraction": frequencies.max(),
        "weight_change": 0.0,
        "weight_change_on_event": 0.0,
        "modulator": 0.0,
        "event_fraction": np.mean([any(i.get(name, 0) > 0 for name in EVENTS) for i in infos]),
        "finite": True,
        "world_metrics": {name: total[name] for name in env.metric_names},
        "brain_metrics": {"firing_rate": np.mean(firing)},
    }


# The last rung of each family, which has the most features.
FAMILIES = list({row.world: name for name, row in RUNGS.items()}.values())


@pytest.mark.parametrize("rung", ["L0.0", *FAMILIES])
def test_a_life_is_what_a_slow_loop_lives(rung):
    env, env_params = small_world(rung)
    brain, weights = spiking(env)

    @jax.jit
    def reset(key):
        observation, state = env.reset_env(jax.random.fold_in(key, 0), env_params)
        return observation, state, brain.init(weights)

    @jax.jit
    def step(moment, key, t):
        observation, state, memory = moment
        now = jax.random.fold_in(jax.random.fold_in(key, 1), t)
        action, memory = brain.act(weights, memory, observation, jax.random.fold_in(now, 1))
        world_key = jax.random.fold_in(now, 0)
        observation, state, reward, terminated, info = env.step_env(world_key, state, action, env_params)
        return (observation, state, memory), (action, reward, terminated, info, state.integrity)

    live = partial(rollout_life, env, env_params, brain, weights, num_steps=STEPS)
    lives = jax.device_get(jax.jit(jax.vmap(live))(keys()))
    assert lives.fitness.shape == (LIVES,)
    for i in range(LIVES):
        expected = loop(step, reset, env, keys()[i], STEPS)
        assert set(expected) == set(LifeSummary._fields)
        for name, value in expected.items():
            got = jax.tree.map(lambda x, i=i: x[i], getattr(lives, name))
            jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-5, err_msg=name), got, value)
    assert len(set(lives.steps_alive)) > 1, "some of these lives should end early, and not all at once"
    assert np.sum(lives.energy_gained) > 0
    assert env_params.num_bad_sources == 0 or np.sum(lives.bad_arrivals) > 0


@pytest.mark.parametrize("rung", ["L0.1", "L1.1"])
def test_the_return_is_the_fitness_formula(rung):
    env, env_params = small_world(rung, survival_reward=2.0, energy_reward=7.0, success_bonus=11.0)
    lives = jax.jit(
        jax.vmap(lambda key: rollout_life(env, env_params, ReferenceBrain("greedy", env), (), key, num_steps=STEPS))
    )(keys())
    expected = 2.0 * lives.steps_alive + 7.0 * lives.energy_gained + 11.0 * lives.success
    np.testing.assert_allclose(lives.fitness, expected, rtol=1e-5)
    assert lives.energy_gained.max() > 0


def test_a_trace_is_the_same_life_step_by_step():
    env, env_params = small_world("L1.1")
    brain, weights = spiking(env)
    live = partial(rollout_life, env, env_params, brain, weights, num_steps=STEPS)
    follow = partial(trace_life, env, env_params, brain, weights, num_steps=STEPS)
    lives = jax.jit(jax.vmap(live))(keys())
    traced, trace = jax.jit(jax.vmap(follow))(keys())
    for name in LifeSummary._fields:
        jax.tree.map(partial(np.testing.assert_array_equal, err_msg=name), getattr(lives, name), getattr(traced, name))

    alive = np.asarray(trace.alive)
    assert alive[:, 0].all()
    assert (np.diff(alive.astype(int), axis=1) <= 0).all(), "no life resumes after death"
    np.testing.assert_array_equal(alive.sum(axis=1), lives.steps_alive)
    assert alive.sum() < alive.size
    np.testing.assert_allclose((trace.reward * alive).sum(axis=1), lives.fitness, rtol=1e-6)
    for name in ("energy_gained", "integrity_lost", "bad_arrivals"):
        np.testing.assert_allclose((trace.info[name] * alive).sum(axis=1), getattr(lives, name), atol=1e-6)
    np.testing.assert_array_equal(trace.state.time, np.broadcast_to(np.arange(STEPS), alive.shape))
    np.testing.assert_array_equal(trace.final_state.time, STEPS)
    np.testing.assert_array_equal(trace.observation[:, 0, 2], 1.0)
    np.testing.assert_allclose(trace.observation[..., 2], trace.state.energy, atol=1e-6)


@pytest.mark.parametrize("policy", REFERENCE_POLICIES)
def test_a_reference_brain_does_what_its_policy_does(policy):
    env, env_params = small_world("L0.2")
    follow = partial(trace_life, env, env_params, ReferenceBrain(policy, env), (), num_steps=STEPS)
    key = jax.random.key(3)
    summary, trace = jax.jit(follow)(key)

    def asked(t, state, observation):
        now = jax.random.fold_in(jax.random.fold_in(key, 1), t)
        return REFERENCE_POLICIES[policy](env, env_params, state, observation, jax.random.fold_in(now, 1))

    expected = jax.jit(jax.vmap(asked))(jnp.arange(STEPS), trace.state, trace.observation)
    np.testing.assert_array_equal(trace.action, expected)
    assert [float(x) for x in (summary.weight_change, summary.modulator)] == [0, 0]
    assert bool(summary.finite)


def test_lives_that_share_a_key_share_their_luck():
    env, env_params = small_world("L1.1", obs_noise=0.1)
    brain, weights = spiking(env)
    key = jax.random.key(5)
    _, one = jax.jit(lambda: trace_life(env, env_params, brain, weights, key, num_steps=3))()
    _, other = jax.jit(lambda: trace_life(env, env_params, ReferenceBrain("random", env), (), key, num_steps=3))()
    np.testing.assert_array_equal(one.observation[0], other.observation[0])
    np.testing.assert_array_equal(one.state.source_pos[0], other.state.source_pos[0])


def test_a_life_of_one_step():
    env, env_params = small_world("L0.2", max_steps_in_episode=1)
    summary = jax.jit(lambda key: rollout_life(env, env_params, ReferenceBrain("stay", env), (), key, num_steps=1))(
        keys()[0]
    )
    assert float(summary.steps_alive) == 1
    assert float(summary.action_mode_fraction) == 1
    assert float(summary.action_entropy) == 0
    assert all(np.isfinite(getattr(summary, name)) for name in METRICS)


def test_a_brain_with_a_number_that_is_not_finite_is_found_out():
    env, env_params = small_world("L0.0")
    brain, weights = spiking(env)
    live = jax.jit(lambda w: rollout_life(env, env_params, brain, w, jax.random.key(0), num_steps=4).finite)
    assert bool(live(weights))
    leaves, structure = jax.tree.flatten(weights)
    for bad in (np.nan, np.inf):
        for place, leaf in enumerate(leaves):
            spoilt = [*leaves[:place], leaf.at[(0,) * leaf.ndim].set(bad), *leaves[place + 1 :]]
            assert not bool(live(jax.tree.unflatten(structure, spoilt))), place
    huge = weights._replace(synapses=DenseSynapses(weights.synapses.weights.at[2].set(3e38)))
    assert not bool(live(huge)), "potentials that overflow"
