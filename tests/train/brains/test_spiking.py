"""The spiking network against its formula in NumPy, and its wiring."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_train.brains import (
    DenseSynapses,
    Interface,
    Outcome,
    SparseSynapses,
    SpikingBrain,
    SpikingCarry,
    SpikingWeights,
    sparse_inputs,
)
from koki2_train.experiment.brain_settings import SpikingSettings
from koki2_train.experiment.sections import DirectSettings
from koki2_train.genomes import DirectGenome

N, K, OBS, ACTIONS = 10, 4, 3, 5


def network(n_neurons=N, observations=OBS, actions=ACTIONS, **settings):
    """A spiking brain in a world of so many senses, all of size 1, and so many actions."""
    names = [tuple(f"{kind}{i}" for i in range(count)) for kind, count in (("sense", observations), ("act", actions))]
    interface = Interface(names[0], (1.0,) * observations, names[1])
    return SpikingBrain(SpikingSettings(n_neurons=n_neurons, **settings), interface)


def by_formula(arrays, inputs, observations, tau, theta):
    """The policy synapse by synapse: v, s and action of every step, in float64."""
    v, s, steps = np.zeros(len(inputs)), np.zeros(len(inputs)), []
    for o in observations:
        drive = np.array([
            sum(arrays["w_in"][i, d] * o[d] for d in range(len(o)))
            + sum(arrays["w_rec"][i, e] * s[j] for e, j in enumerate(inputs[i]))
            for i in range(len(inputs))
        ])  # fmt: skip
        v = v * np.exp(-1 / tau) + drive
        s = (v > theta).astype(float)
        v = v - theta * s
        steps.append((v.copy(), s.copy(), int(np.argmax(s @ arrays["w_motor"] + arrays["b_motor"]))))
    return steps


@pytest.mark.parametrize("synapses", [DenseSynapses, SparseSynapses])
@pytest.mark.parametrize(("tau", "theta"), [(10.0, 1.0), (2.0, 0.5)])
def test_every_step_follows_the_formula(key, tau, theta, synapses):
    sparse_from = 1 if synapses is SparseSynapses else 100
    brain = network(k_edges=K, topology_seed=3, tau_m=tau, theta=theta, sparse_from=sparse_from)
    genome = DirectGenome(DirectSettings(init_scale=0.8), brain.blueprint())
    arrays = genome.compile(genome.init(key))
    weights = brain.develop(arrays, {})
    assert type(weights.synapses) is synapses
    observations = np.asarray(jax.random.normal(jax.random.key(1), (25, OBS)))
    expected = by_formula(jax.tree.map(np.float64, arrays), sparse_inputs(N, K, 3), observations, tau, theta)

    carry, act, spikes, actions = brain.init(weights), jax.jit(brain.act), 0.0, set()
    for t, (v, s, action) in enumerate(expected):
        chosen, carry = act(weights, carry, jnp.asarray(observations[t]), key)
        np.testing.assert_array_equal(carry.spikes, s, err_msg=f"step {t}")
        np.testing.assert_allclose(carry.potential, v, atol=1e-4, err_msg=f"step {t}")
        assert int(chosen) == action
        assert chosen.dtype == jnp.int32
        spikes += s.sum()
        actions.add(action)
    assert spikes > 10
    assert len(actions) > 2


def one_neuron(weight, bias=(0.0, 0.0), **settings):
    """A brain of which only one neuron is connected, from one sense to the second of two actions."""
    to_first = jnp.zeros((3, 2)).at[0, 0].set(weight)
    synapses, motor = DenseSynapses(to_first), jnp.zeros((2, 2)).at[0, 1].set(1.0)
    return network(2, 1, 2, k_edges=1, **settings), SpikingWeights(synapses, motor, jnp.asarray(bias))


def test_a_threshold_that_is_only_just_reached_does_not_fire(key):
    brain, weights = one_neuron(1.0)
    action, carry = brain.act(weights, brain.init(weights), jnp.ones(1), key)
    assert [float(carry.spikes[0]), float(carry.potential[0]), int(action)] == [0.0, 1.0, 0]
    action, carry = brain.act(weights, brain.init(weights), jnp.full(1, 1.0 + 1e-6), key)
    assert [float(carry.spikes[0]), int(action)] == [1.0, 1]


def test_a_spike_subtracts_the_threshold_and_keeps_the_rest(key):
    brain, weights = one_neuron(2.75, theta=0.5)
    _, carry = brain.act(weights, brain.init(weights), jnp.ones(1), key)
    assert float(carry.potential[0]) == 2.25
    _, carry = brain.act(weights, carry, jnp.zeros(1), key)
    np.testing.assert_allclose(carry.potential[0], 2.25 * np.exp(-0.1) - 0.5, rtol=1e-6)


def test_a_silent_network_follows_its_bias(key):
    brain, weights = one_neuron(0.0, bias=(-1.0, 0.5))
    action, _ = brain.act(weights, brain.init(weights), jnp.ones(1), key)
    assert int(action) == 1


def test_fixed_weights_learn_nothing():
    brain, weights = one_neuron(1.0)
    carry = SpikingCarry(jnp.ones(2), jnp.ones(2))
    outcome = Outcome(jnp.bool_(True), *(jnp.float32(1.0),) * 6)
    assert brain.learn(weights, carry, outcome) is carry
    assert brain.measure(weights, carry, carry, outcome) == {"firing_rate": 1.0}
    assert brain.recordings(weights, carry) == {"spikes": carry.spikes}


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
    brain = network(k_edges=K, topology_seed=7)
    genome = DirectGenome(DirectSettings(), brain.blueprint())
    arrays = genome.compile(jnp.arange(1.0, genome.size + 1))
    weights = brain.develop(arrays, {})

    inputs, currents = sparse_inputs(N, K, 7), np.asarray(weights.synapses.weights)
    assert currents.shape == (OBS + N, N)
    for i in range(N):
        for d in range(OBS):
            assert currents[d, i] == arrays["w_in"][i, d]
        for e, j in enumerate(inputs[i]):
            assert currents[OBS + j, i] == arrays["w_rec"][i, e], "row j, column i: what a spike of j adds to i"
    assert np.count_nonzero(currents) == N * OBS + N * K
    np.testing.assert_array_equal(weights.motor, arrays["w_motor"])
    np.testing.assert_array_equal(weights.motor_bias, arrays["b_motor"])


def test_equal_brains_share_compiled_code():
    assert network() == network()
    assert hash(network()) == hash(network())
    assert network() != network(theta=0.5)
    assert network() != network(observations=OBS + 1)
    assert SpikingBrain(SpikingSettings(), network().interface) in {network(32)}
