"""The spiking network against its formula in NumPy, its wiring, and the genome that develops into it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_train.brains import (
    DenseSynapses,
    Outcome,
    SparseSynapses,
    SpikingBrain,
    SpikingCarry,
    SpikingParams,
    sparse_inputs,
)
from koki2_train.genomes import DirectEncoding, DirectGenome

N, K, OBS, ACTIONS = 10, 4, 3, 5


def by_formula(genome, inputs, observations, tau, theta):
    """The policy synapse by synapse: v, s and action of every step, in float64."""
    v, s, steps = np.zeros(len(inputs)), np.zeros(len(inputs)), []
    for o in observations:
        drive = np.array([
            sum(genome.w_in[i, d] * o[d] for d in range(len(o)))
            + sum(genome.w_rec[i, e] * s[j] for e, j in enumerate(inputs[i]))
            for i in range(len(inputs))
        ])  # fmt: skip
        v = v * np.exp(-1 / tau) + drive
        s = (v > theta).astype(float)
        v = v - theta * s
        steps.append((v.copy(), s.copy(), int(np.argmax(s @ genome.w_motor + genome.b_motor))))
    return steps


@pytest.mark.parametrize("synapses", [DenseSynapses, SparseSynapses])
@pytest.mark.parametrize(("tau", "theta"), [(10.0, 1.0), (2.0, 0.5)])
def test_every_step_follows_the_formula(key, tau, theta, synapses):
    encoding = DirectEncoding(N, K, (1.0,) * OBS, ACTIONS, topology_seed=3, init_scale=0.8, synapses=synapses)
    brain = SpikingBrain(N, tau, theta)
    genome = encoding.init(key)
    params = encoding.develop(genome)
    observations = np.asarray(jax.random.normal(jax.random.key(1), (25, OBS)))
    expected = by_formula(jax.tree.map(np.float64, genome), sparse_inputs(N, K, 3), observations, tau, theta)

    carry, act, spikes, actions = brain.init(params), jax.jit(brain.act), 0.0, set()
    for t, (v, s, action) in enumerate(expected):
        chosen, carry = act(params, carry, jnp.asarray(observations[t]), key)
        np.testing.assert_array_equal(carry.spikes, s, err_msg=f"step {t}")
        np.testing.assert_allclose(carry.potential, v, atol=1e-4, err_msg=f"step {t}")
        assert int(chosen) == action
        assert chosen.dtype == jnp.int32
        spikes += s.sum()
        actions.add(action)
    assert spikes > 10
    assert len(actions) > 2


def one_neuron(weight, theta=1.0, tau=10.0):
    """One input, one neuron without recurrence."""
    params = SpikingParams(DenseSynapses(jnp.asarray([[weight], [0.0]])), jnp.asarray([[0.0, 1.0]]), jnp.zeros(2))
    return SpikingBrain(1, tau, theta), params


def test_a_threshold_that_is_only_just_reached_does_not_fire(key):
    brain, params = one_neuron(1.0)
    action, carry = brain.act(params, brain.init(params), jnp.ones(1), key)
    assert [float(carry.spikes[0]), float(carry.potential[0]), int(action)] == [0.0, 1.0, 0]
    action, carry = brain.act(params, brain.init(params), jnp.full(1, 1.0 + 1e-6), key)
    assert [float(carry.spikes[0]), int(action)] == [1.0, 1]


def test_a_spike_subtracts_the_threshold_and_keeps_the_rest(key):
    brain, params = one_neuron(2.75, theta=0.5)
    _, carry = brain.act(params, brain.init(params), jnp.ones(1), key)
    assert float(carry.potential[0]) == 2.25
    _, carry = brain.act(params, carry, jnp.zeros(1), key)
    np.testing.assert_allclose(carry.potential[0], 2.25 * np.exp(-0.1) - 0.5, rtol=1e-6)


def test_a_silent_network_follows_its_bias(key):
    params = one_neuron(0.0)[1]
    params = params._replace(motor_bias=jnp.asarray([-1.0, 0.5]))
    action, _ = SpikingBrain(1).act(params, SpikingBrain(1).init(params), jnp.ones(1), key)
    assert int(action) == 1


def test_fixed_weights_learn_nothing(key):
    brain, params = one_neuron(1.0)
    carry = SpikingCarry(jnp.ones(1), jnp.ones(1))
    outcome = Outcome(*(jnp.float32(1.0),) * 4)
    assert brain.learn(params, carry, outcome) is carry
    assert [float(part) for part in brain.learning(params, carry)] == [0, 0, 0]


@pytest.mark.parametrize(("n", "k", "seed"), [(32, 8, 0), (10, 9, 1), (2, 1, 5), (5, 1, 2)])
def test_every_neuron_listens_to_k_others(n, k, seed):
    inputs = sparse_inputs(n, k, seed)
    assert inputs.shape == (n, k)
    assert inputs.dtype == np.int32
    for i, row in enumerate(inputs):
        assert len(set(row)) == k
        assert i not in row
        assert row.min() >= 0
        assert row.max() < n
        assert list(row) == sorted(row)


def test_wiring_is_drawn_by_its_seed():
    first = sparse_inputs(20, 5, 0)
    sparse_inputs.cache_clear()
    np.testing.assert_array_equal(first, sparse_inputs(20, 5, 0))
    assert (first != sparse_inputs(20, 5, 1)).any()
    with pytest.raises(ValueError):
        first[0, 0] = 1


def test_wiring_leaves_no_neuron_out():
    heard = np.bincount(sparse_inputs(64, 8, 0).ravel(), minlength=64)
    assert heard.min() > 0
    assert heard.max() < 24


def test_development_puts_every_weight_where_the_wiring_says():
    encoding = DirectEncoding(N, K, (1.0,) * OBS, ACTIONS, topology_seed=7)
    count = N * OBS + N * K + N * ACTIONS + ACTIONS
    numbers = iter(range(1, count + 1))
    shapes = [part.shape for part in encoding.init(jax.random.key(0))]
    parts = [np.reshape([next(numbers) for _ in range(np.prod(shape))], shape) for shape in shapes]
    genome = DirectGenome(*(part.astype(np.float32) for part in parts))
    params = encoding.develop(jax.tree.map(jnp.asarray, genome))

    inputs, currents = sparse_inputs(N, K, 7), np.asarray(params.synapses.weights)
    assert currents.shape == (OBS + N, N)
    for i in range(N):
        for d in range(OBS):
            assert currents[d, i] == genome.w_in[i, d]
        for e, j in enumerate(inputs[i]):
            assert currents[OBS + j, i] == genome.w_rec[i, e], "row j, column i: what a spike of j adds to i"
    assert np.count_nonzero(currents) == N * OBS + N * K
    np.testing.assert_array_equal(params.motor, genome.w_motor)
    np.testing.assert_array_equal(params.motor_bias, genome.b_motor)
    again = encoding.develop(jax.tree.map(jnp.asarray, genome))
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(params), jax.tree.leaves(again), strict=True))


@pytest.mark.parametrize("scale", [0.1, 2.0, 0.0])
def test_genomes_start_as_small_noise(scale):
    genome = DirectEncoding(200, 20, (1.0,) * 4, 5, init_scale=scale).init(jax.random.key(0))
    assert [part.shape for part in genome] == [(200, 4), (200, 20), (200, 5), (5,)]
    assert all(part.dtype == jnp.float32 for part in genome)
    np.testing.assert_allclose(genome.w_rec.std(), scale, rtol=0.05)
    np.testing.assert_allclose(genome.w_in.std(), scale, rtol=0.1)
    np.testing.assert_allclose(genome.w_rec.mean(), 0.0, atol=0.05 * scale)
    if scale:
        assert not np.array_equal(genome.w_in.ravel()[:100], genome.w_motor.ravel()[:100]), "draws of their own"
        np.testing.assert_allclose(np.mean(np.abs(genome.w_rec) < scale), 0.683, atol=0.03, err_msg="normal")


def test_input_weights_are_written_in_units_of_one_over_what_they_multiply(key):
    sizes = (0.25, 1.0, 2.0)
    plain, scaled = (DirectEncoding(200, 3, entry, 2) for entry in ((1.0,) * 3, sizes))
    genome = scaled.init(key)
    np.testing.assert_allclose(genome.w_in.std(axis=0), 0.1 * np.asarray(sizes), rtol=0.2)
    developed = scaled.develop(genome).synapses.weights
    np.testing.assert_allclose(developed[:3], genome.w_in.T / np.asarray(sizes)[:, None], rtol=1e-6)
    first = plain.develop(plain.init(key))
    np.testing.assert_allclose(first.synapses.weights, developed, rtol=1e-6, err_msg="weights start alike")
    moved = scaled.develop(genome._replace(w_in=genome.w_in + 0.1)).synapses.weights[:3] - developed[:3]
    np.testing.assert_allclose(moved, np.broadcast_to(0.1 / np.asarray(sizes)[:, None], moved.shape), rtol=1e-4)
