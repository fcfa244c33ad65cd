"""The gated recurrent network against its formula in NumPy, its gates, its senses, and its evolution."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_train.brains import GRUBrain, GRUCarry, Interface, Outcome, SpikingBrain
from koki2_train.evolution.evolve import compiled_init, compiled_steps
from koki2_train.evolution.program import Search
from koki2_train.experiment import Experiment, Trial
from koki2_train.experiment.brain_settings import GRUSettings
from koki2_train.experiment.sections import DirectSettings
from koki2_train.genomes import DirectGenome
from koki2_train.rollout.problem import Problem

N, OBS, ACTIONS = 6, 3, 5


def network(n_units=N, names=("a", "b", "c"), scale=1.0, **settings):
    """A gated recurrent brain in a world with these senses, all of one size, and five actions."""
    interface = Interface(names, (scale,) * len(names), tuple(f"act{i}" for i in range(ACTIONS)))
    return GRUBrain(GRUSettings(n_units=n_units, **settings), interface)


def drawn(brain, key):
    """Arrays of the brain's blueprint, of a size that opens and closes gates."""
    genome = DirectGenome(DirectSettings(init_scale=0.8), brain.blueprint())
    return genome.compile(genome.init(key))


def zeros(brain, **others):
    """Arrays of zeros, but for ``others``."""
    arrays = {name: jnp.zeros(parameter.shape, jnp.float32) for name, parameter in brain.blueprint().parameters}
    return arrays | {name: jnp.full(arrays[name].shape, value, jnp.float32) for name, value in others.items()}


def outcome(energy=0.0, water=0.0, harm=0.0):
    rest = (jnp.float32(0.0),) * 3
    return Outcome(jnp.bool_(True), jnp.float32(energy), jnp.float32(water), jnp.float32(harm), *rest)


def by_formula(arrays, observations):
    """State and action of every step, unit by unit and gate by gate, in float64."""

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    n = len(arrays["b_update"])
    w, u = arrays["w_in"].reshape(3, n, -1), arrays["w_rec"].reshape(3, n, n)
    h, steps = np.zeros(n), []
    for x in observations:
        new = np.zeros(n)
        for i in range(n):
            z = sigmoid(w[0, i] @ x + u[0, i] @ h + arrays["b_update"][i])
            r = sigmoid(w[1, i] @ x + u[1, i] @ h + arrays["b_reset"][i])
            candidate = np.tanh(w[2, i] @ x + arrays["b_candidate"][i] + r * (u[2, i] @ h))
            new[i] = (1 - z) * h[i] + z * candidate
        h = new
        steps.append((h, int(np.argmax(h @ arrays["w_motor"] + arrays["b_motor"]))))
    return steps


def test_every_step_follows_the_formula(key):
    brain = network()
    arrays = {name: value if name != "b_update" else value + 0.7 for name, value in drawn(brain, key).items()}
    observations = np.asarray(2 * jax.random.normal(jax.random.key(1), (25, OBS)))
    expected = by_formula({name: np.float64(value) for name, value in arrays.items()}, np.float64(observations))

    weights = brain.develop(arrays, {})
    carry, act, actions = brain.init(weights), jax.jit(brain.act), set()
    for t, (h, action) in enumerate(expected):
        chosen, carry = act(weights, carry, jnp.asarray(observations[t]), key)
        np.testing.assert_allclose(carry.state, h, atol=1e-5, err_msg=f"step {t}")
        assert int(chosen) == action
        assert chosen.dtype == jnp.int32
        actions.add(action)
    assert len(actions) > 1


def test_a_closed_update_gate_keeps_the_state_exactly(key):
    brain = network()
    weights = brain.develop({**drawn(brain, key), "b_update": jnp.full(N, -1e3)}, {})
    carry = GRUCarry(jnp.linspace(-0.9, 0.8, N), jnp.zeros(0))
    _, after = brain.act(weights, carry, jnp.ones(OBS), key)
    np.testing.assert_array_equal(after.state, carry.state)


@pytest.mark.parametrize(("reset", "expected"), [(-1e3, np.tanh(0.25)), (1e3, np.tanh(0.25 + N * 2.0 * 0.5))])
def test_an_open_update_gate_takes_the_candidate_and_a_reset_gate_cuts_the_state_from_it(key, reset, expected):
    brain = network()
    arrays = zeros(brain, b_update=1e3, b_reset=reset, b_candidate=0.25)
    arrays["w_rec"] = arrays["w_rec"].at[2 * N :].set(2.0)
    carry = GRUCarry(jnp.full(N, 0.5), jnp.zeros(0))
    _, after = brain.act(brain.develop(arrays, {}), carry, jnp.ones(OBS), key)
    np.testing.assert_allclose(after.state, expected, rtol=1e-6)


def test_a_half_open_update_gate_goes_half_the_way(key):
    brain = network()
    carry = GRUCarry(jnp.full(N, 0.5), jnp.zeros(0))
    _, after = brain.act(brain.develop(zeros(brain, b_motor=1.0), {}), carry, jnp.ones(OBS), key)
    np.testing.assert_array_equal(after.state, jnp.full(N, 0.25))


def test_the_readout_decides_between_actions(key):
    brain = network()
    arrays = zeros(brain, b_update=1e3, b_candidate=1.0)
    arrays["w_motor"] = arrays["w_motor"].at[:, 3].set(1.0)
    arrays["b_motor"] = arrays["b_motor"].at[1].set(1.0)
    weights = brain.develop(arrays, {})
    assert int(brain.act(weights, brain.init(weights), jnp.ones(OBS), key)[0]) == 3, "N·tanh(1) exceeds the bias of 1"
    silent = weights._replace(bias=jnp.zeros(3 * N))
    assert int(brain.act(silent, brain.init(silent), jnp.ones(OBS), key)[0]) == 1


@pytest.mark.parametrize(
    ("names", "events"), [(("a", "b"), (True, True)), (("a", "water_x"), (True, True, True)), (("a", "b"), ())]
)
def test_the_last_steps_events_are_inputs(key, names, events):
    brain = network(names=names, sense_event=bool(events))
    weights = brain.develop(drawn(brain, key), {})
    carry = brain.init(weights)
    assert carry.own.shape == (len(events),)
    met = brain.learn(weights, carry, outcome(energy=0.1, water=0.2, harm=0.3))
    np.testing.assert_array_equal(met.own, events)
    np.testing.assert_array_equal(brain.learn(weights, met, outcome()).own, np.zeros(len(events)))
    states = [brain.act(weights, felt, jnp.ones(2), key)[1].state for felt in (carry, met)]
    assert bool(jnp.any(states[0] != states[1])) == bool(events)
    np.testing.assert_array_equal(brain.at_rest(weights, met).own, np.zeros(len(events)))


def test_the_blueprint_scales_senses_and_starts_with_a_memory(key):
    def scales(brain):
        return {name: parameter.scale for name, parameter in brain.blueprint().parameters if parameter.scale}

    assert scales(network(scale=0.5, sense_event=True)) == {"w_in": (0.5, 0.5, 0.5, 1.0, 1.0)}
    assert scales(network(scale=0.5, scale_senses=False)) == {}
    assert (drawn(network(), key)["b_update"] < -0.5).all(), "more than half of the state is kept"


@pytest.mark.parametrize(("settings", "size"), [({}, 655), ({"sense_event": True}, 715)])
def test_by_default_it_has_about_as_many_numbers_as_the_spiking_network(settings, size):
    problem = Problem.of(Experiment.build("L5.0", settings), 1)
    assert isinstance(problem.brain, SpikingBrain)
    assert Problem.of(Experiment.build("L5.0", {"brain": "gru", **settings}), 1).genome.size == size
    assert abs(size / problem.genome.size - 1) < 0.08


def test_it_evolves_and_other_seeds_compile_nothing_anew(tiny_settings):
    def run(seed):
        search = Search.of(Trial(experiment, seed), 1)
        state, log = compiled_steps(search, compiled_init(search), jnp.int32(4), 4)
        return state.champion, np.asarray(log.fitness_mean)

    settings = {name: value for name, value in tiny_settings.items() if name not in ("n_neurons", "k_edges")}
    own = {"brain": "gru", "n_units": 4, "sense_event": True, "mvt": False}
    experiment = Experiment.build("L1.0", {**settings, **own})
    champion, fitness = run(0)
    assert np.isfinite(fitness).all()
    assert len(set(fitness.tolist())) > 1
    compiled = compiled_steps._cache_size()
    assert (run(1)[0] != champion).any()
    assert compiled_steps._cache_size() == compiled > 0
