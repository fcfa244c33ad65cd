"""Plastic synapses: whole lives against the three-factor rule written synapse by synapse in NumPy, and their sizes."""

from functools import lru_cache

import jax
import numpy as np
import pytest

from koki2_envs import make, ramp, value_at
from koki2_envs.knobs import knob_fields
from koki2_train.brains import Interface, Outcome, SpikingBrain, sparse_inputs
from koki2_train.experiment.brain_settings import SpikingSettings
from koki2_train.experiment.sections import DirectSettings
from koki2_train.experiment.sources import read_preset
from koki2_train.genomes import DirectGenome

N, K, STEPS, DEATH = 8, 3, 36, 30
SENSES = ("a_x", "a_y", "water_x", "water_y", "energy")
ACTIONS = ("stay", "up", "down")


def network(**settings):
    """A brain that learns by default, in a world of four smells' components and one constant sense."""
    given = {"n_neurons": N, "k_edges": K, "topology_seed": 3, "theta": 0.8, "plast_enabled": True, **settings}
    return SpikingBrain(SpikingSettings(**given), Interface(SENSES, (1.0,) * len(SENSES), ACTIONS))


def born(brain, key=0):
    """A genome's arrays in which nothing is at its start value."""
    genome = DirectGenome(DirectSettings(init_scale=0.8), brain.blueprint())
    numbers = genome.init(jax.random.key(key)) + 0.1 * jax.random.normal(jax.random.key(9), (genome.size,))
    arrays = genome.compile(numbers)
    return {**arrays, "b_motor": 0.1 * arrays["b_motor"]}  # else it alone decides what is done


def script():
    """Observations and outcomes of a life whose body dies after DEATH steps."""
    rng = np.random.default_rng(4)
    observations = rng.normal(size=(STEPS, len(SENSES))).astype(np.float32)
    observations[:, -1] = 1.0

    def sometimes(amount, share):
        return np.float32(amount) * (rng.random(STEPS) < share)

    t = np.arange(STEPS)
    felt = (
        t < DEATH, sometimes(0.1, 0.3), sometimes(0.2, 0.2), sometimes(0.05, 0.3),
        rng.normal(scale=0.05, size=STEPS).astype(np.float32), np.zeros(STEPS, np.float32),
        (t / (STEPS - 1)).astype(np.float32),
    )  # fmt: skip
    return observations, Outcome(*felt)


@lru_cache
def compiled_life(brain):
    """What the brain does and shows in each step of the script."""
    observations, outcomes = script()

    @jax.jit
    def live(arrays, knobs):
        weights = brain.develop(arrays, knobs)

        def step(carry, now):
            observation, outcome = now
            action, carry = brain.act(weights, carry, observation, jax.random.key(0))
            after = brain.learn(weights, carry, outcome)
            counted = brain.measure(weights, carry, after, outcome)
            return after, (action, carry.potential, brain.recordings(weights, after), counted)

        return jax.lax.scan(step, brain.init(weights), (observations, outcomes))[1]

    return live


def lived(brain, arrays, knobs=None):
    """Actions, potentials, recordings and mean changes of weights, by name; leaves are (STEPS, ...)."""
    action, potential, shown, counted = compiled_life(brain)(arrays, brain.settings.dynamic() | (knobs or {}))
    return {"action": action, "potential": potential, **shown, "weight_change": counted["weight_change"]}


def by_formula(settings, arrays):
    """The same in float64, from the formulas, synapse by synapse; weights are held as (neuron, its synapses)."""
    observations, outcomes = jax.tree.map(np.float64, script())
    arrays, inputs = jax.tree.map(np.float64, dict(arrays)), sparse_inputs(N, K, settings.topology_seed)
    smell_of = {name: name[:-2] for name in settings.plast_senses.split(",")}
    smells = list(dict.fromkeys(smell_of.values()))
    w = {
        "input": arrays["w_in"],
        "recurrent": arrays["w_rec"],
        "motor": arrays["w_motor"],
        "gain": np.ones(len(smells)),
    }
    birth, kinds = {k: x.copy() for k, x in w.items()}, [k for k in w if getattr(settings, f"plast_{k}")]
    learns = {k: np.ones(w[k].shape, bool) for k in kinds}
    if "input" in kinds:
        learns["input"][:] = [name in settings.plast_senses.split(",") for name in sensed(arrays)]
    v, s, own, mean = np.zeros(N), np.zeros(N), np.zeros(3), 0.0
    e, rows = {k: np.zeros(w[k].shape) for k in kinds}, []
    for o, now in zip(observations, zip(*(x for x in outcomes if x is not None), strict=True), strict=True):
        alive, energy, water, harm, reduction, _, phi = now
        o = np.concatenate([o, own]) if settings.sense_event else o
        before = s
        gain = [w["gain"][smells.index(smell_of[name])] if name in smell_of else 1.0 for name in sensed(arrays)]
        v = v * np.exp(-1 / settings.tau_m) + w["input"] @ (gain * o) + np.sum(w["recurrent"] * before[inputs], axis=1)
        s = (v > settings.theta).astype(float)
        v = v - settings.theta * s
        action = int(np.argmax(s @ w["motor"] + arrays["b_motor"]))
        support = w["motor"][:, action] - w["motor"].mean(axis=1)
        gate = support[:, None] if settings.chosen("plast_gate") == "action" else np.ones((N, 1))
        factors = {
            "input": (np.tile(o, (N, 1)), s[:, None], gate),
            "recurrent": (before[inputs], s[:, None], gate),
            "motor": (s[:, None], (np.arange(len(ACTIONS)) == action)[None] * 1.0, 1.0),
            "gain": (np.zeros(len(smells)), 1.0, 1.0),
        }
        for j, name in enumerate(sensed(arrays)):
            if name in smell_of:
                through = sum(birth["input"][i, j] * s[i] * gate[i, 0] for i in range(N))
                factors["gain"][0][smells.index(smell_of[name])] += o[j] * through
        kind = settings.chosen("modulator_kind")
        given = {"event": energy + water - harm, "drive": reduction}
        scale = settings.mod_drive_scale
        m = np.tanh(s @ arrays["modulator_readout"] if kind == "spike" else scale * given[kind])
        if settings.modulator_centred:
            m = m - mean if kind != "event" or energy > 0 or water > 0 or harm > 0 else 0.0
            mean += settings.mod_baseline_rate * m
        m, change = m if alive else 0.0, 0.0
        for index, k in enumerate(kinds):
            (rate, decay, drift), (pre, post, open_to) = evolved(settings, arrays, index), factors[k]
            a, b, c, d = coefficients(settings, arrays, k, inputs)
            e[k] = decay * e[k] + (a * pre * post + b * pre + c * post + d) * open_to
            eta = float(value_at(settings.plast_eta, phi))
            moved = np.clip(w[k] + eta * rate * m * e[k], -settings.plast_max, settings.plast_max)
            moved = np.where(learns[k], moved + alive * drift * (birth[k] - moved), birth[k])
            change += np.abs(moved - w[k]).sum()
            w = w | {k: moved}
        own = np.array([energy > 0, harm > 0, water > 0], float)
        count = sum(x.sum() for x in learns.values())
        distance = sum(np.abs(w[k] - birth[k]).sum() for k in kinds) / count
        rows.append((action, v, s, m, distance, change / count))
    names = ("action", "potential", "spikes", "modulator", "distance_from_birth", "weight_change")
    return {name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def sensed(arrays):
    """The names of the entries that a brain with these input weights senses."""
    return (*SENSES, "fed", "hurt", "drank")[: arrays["w_in"].shape[1]]


def evolved(settings, arrays, index):
    """Factor on η, λ and ρ of a kind of synapses."""
    x = [arrays.get(name, np.zeros(3))[index] for name in ("plast_log_rate", "plast_logit_decay")]
    odds = settings.plast_lambda / (1 - settings.plast_lambda) * np.exp(x[1])
    drift = settings.plast_drift * np.exp(arrays.get("plast_log_drift", 0.0))
    return np.exp(x[0]), odds / (1 + odds), min(drift, 1.0)


def coefficients(settings, arrays, kind, inputs):
    """A, B, C and D of every synapse of a kind, as (neuron, its synapses)."""
    if f"plast_both_{kind}" not in arrays:
        return 1.0, 0.0, 0.0, 0.0
    all_four = [arrays[f"plast_both_{kind}"], *arrays[f"plast_others_{kind}"]]
    if kind == "motor":
        return [x.T for x in all_four]
    if kind == "input":
        named = settings.plast_senses.split(",")
        rows = [named.index(name) if name in named else 0 for name in sensed(arrays)]
        return [x[rows].T if len(x) > 1 else x for x in all_four]
    return [x[inputs] if x.ndim == 1 else x.T for x in all_four]


CASES = {
    "all, dense": {"plast_input": True, "plast_motor": True, "plast_eta": 0.4, "mod_drive_scale": 5.0},
    "all, sparse, gated, surprise, drift, global coefficients, an own sense that is not plastic": {
        "plast_input": True, "plast_motor": True, "plast_eta": 0.4, "mod_drive_scale": 5.0, "plast_gate": 1,
        "modulator_centred": True, "mod_baseline_rate": 0.2, "plast_drift": 0.05, "plast_evolve": 2,
        "plast_coefficients": 1, "sense_event": True, "sparse_from": 1,
    },
    "all, gated, drive as surprise, entry coefficients, a plastic own sense, small weights": {
        "plast_input": True, "plast_motor": True, "plast_eta": 2.0, "mod_drive_scale": 20.0, "plast_gate": 1,
        "modulator_centred": True, "modulator_kind": 1, "plast_coefficients": 2,
        "sense_event": True, "plast_senses": "a_x,water_y,hurt", "plast_max": 0.7,
    },
    "input, gated, own spikes, coefficients of each synapse, a critical period": {
        "plast_input": True, "plast_recurrent": False, "plast_eta": ramp(0.9, 0.1, 0.2, 0.8), "plast_gate": 1,
        "modulator_kind": 2, "plast_coefficients": 3,
    },
    "gains alone, gated, events as surprise, drift": {
        "plast_recurrent": False, "plast_gain": True, "plast_eta": 0.5, "mod_drive_scale": 5.0, "plast_gate": 1,
        "modulator_centred": True, "plast_drift": 0.02,
    },
    "gains and synapses, a smell of one component, coefficients of the synapses": {
        "plast_input": True, "plast_gain": True, "plast_eta": 0.3, "mod_drive_scale": 5.0, "plast_coefficients": 2,
        "plast_senses": "a_x,a_y,water_y",
    },
    "recurrent, sparse, gated, own spikes as surprise": {
        "plast_eta": 0.5, "plast_gate": 1, "modulator_kind": 2, "modulator_centred": True, "sparse_from": 1,
    },
    "recurrent, drive, coefficients of each synapse, nothing else evolves": {
        "plast_eta": -0.5, "modulator_kind": 1, "mod_drive_scale": 20.0, "plast_evolve": 1, "plast_coefficients": 3,
    },
}  # fmt: skip


@pytest.mark.parametrize("settings", CASES.values(), ids=CASES)
def test_every_step_of_a_life_follows_the_formula(settings):
    brain = network(**{"plast_senses": "a_x,a_y,water_x,water_y", **settings})
    arrays = born(brain)
    expected, shown = by_formula(brain.settings, arrays), lived(brain, arrays)
    for name, values in expected.items():
        exact = name in ("action", "spikes")
        np.testing.assert_allclose(shown[name], values, rtol=0, atol=0 if exact else 2e-4, err_msg=name)
    assert len(set(expected["action"])) > 1
    assert 20 < expected["spikes"].sum() < 0.9 * N * STEPS
    assert expected["distance_from_birth"][DEATH - 1] > 0.02
    assert not expected["weight_change"][DEATH:].any()
    assert not np.asarray(shown["weight_change"])[DEATH:].any(), "nothing is learned after death"


def test_the_learning_rate_is_that_of_the_phase():
    """A schedule between equal ends is that number, bit for bit; one that begins at 0 teaches nothing before it ends.

    Neither seeds of the weights nor values of the schedule compile anew.
    """
    brain = network(plast_eta=0.4, modulator_kind=1, mod_drive_scale=20.0)
    numbers = [lived(brain, born(brain, key)) for key in (0, 1)]
    schedules = [lived(brain, born(brain, key), {"plast_eta": ramp(0.4, 0.4, 0.2, 0.7)}) for key in (0, 1)]
    jax.tree.map(np.testing.assert_array_equal, schedules, numbers)
    late = lived(brain, born(brain), {"plast_eta": ramp(0.0, 0.4, 0.5, 0.5001)})
    half = STEPS // 2
    assert not late["weight_change"][:half].any()
    assert not late["distance_from_birth"][:half].any()
    assert late["weight_change"][half:DEATH].any()
    assert numbers[0]["weight_change"][:half].any()
    others = {"plast_eta": 0.1, "plast_lambda": 0.3, "plast_max": 2.0, "mod_drive_scale": 1.0, "mod_baseline_rate": 0.5}
    assert (lived(brain, born(brain), others)["distance_from_birth"] != numbers[0]["distance_from_birth"]).any()
    assert compiled_life(brain)._cache_size() == 2


def test_what_evolves_besides_the_weights():
    """By default a factor on η and λ for each kind, from their settings; readouts of the modulator start as weights."""

    def more(**settings):
        blueprint = network(plast_senses="*_x,*_y", **settings).blueprint()
        fixed = network(plast_enabled=False).blueprint()
        assert blueprint.parameters[: len(fixed.parameters)] == fixed.parameters
        return {name: (p.shape, p.start) for name, p in blueprint.parameters[len(fixed.parameters) :]}

    rates = {"plast_log_rate": ((1,), 0.0), "plast_logit_decay": ((1,), 0.0)}
    assert more() == rates
    assert more(plast_evolve=1) == {}
    assert more(plast_evolve=2) == rates | {"plast_log_drift": ((), 0.0)}
    assert more(modulator_kind=2, plast_evolve=1) == {"modulator_readout": ((N,), None)}
    only_input = {"plast_input": True, "plast_recurrent": False, "plast_evolve": 1}
    for detail, shape in ((1, (1, 1)), (2, (4, 1)), (3, (4, N))):
        assert more(plast_coefficients=detail, **only_input) == {
            "plast_both_input": (shape, 1.0),
            "plast_others_input": ((3, *shape), 0.0),
        }


@pytest.mark.parametrize(("settings", "size"), [({}, 709), (read_preset("plastic"), 711)])
def test_a_genome_for_the_valence_lottery_has_so_many_numbers(settings, size):
    """9·32 input, 32·8 recurrent and 32·5 motor weights and 5 biases; the recommended rule adds η and λ."""
    own = {name: settings[name] for name in knob_fields(SpikingSettings) if name in settings}
    brain = SpikingBrain(SpikingSettings(**own), Interface.of(make("L5.0")[0]))
    assert brain.blueprint().size == size
    assert brain.plasticity is None or brain.plasticity.num_plastic == 8 * 32


def test_weights_at_birth_are_the_same_with_and_without_learning():
    """So that arms of a study are paired: a fixed brain's genome is the beginning of a learning one's."""
    learning, fixed = network(plast_input=True, plast_senses="a_x"), network(plast_enabled=False)
    arrays, same = (
        (genome := DirectGenome(DirectSettings(), brain.blueprint())).compile(genome.init(jax.random.key(5)))
        for brain in (learning, fixed)
    )
    assert set(arrays) - set(same) == {"plast_log_rate", "plast_logit_decay"}
    for name, values in same.items():
        np.testing.assert_array_equal(arrays[name], values)


def test_a_sense_that_there_is_not_is_named():
    with pytest.raises(ValueError, match=r"plast_senses: no sense is called 'smel\*'; there are a_x, a_y, water_x"):
        network(plast_input=True, plast_senses="a_x, smel*")


def test_learning_needs_something_that_learns():
    with pytest.raises(ValueError, match="plast_enabled needs something that learns: plast_input, plast_recurrent"):
        network(plast_recurrent=False)
