"""Plastic synapses: weights that change within a life by eligibility and a modulator (a three-factor rule)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from koki2_envs.knobs import is_always, value_at
from koki2_train.brains.base import Outcome
from koki2_train.brains.blueprint import Arrays, Parameter
from koki2_train.brains.learning_rules import eligibility, learned_weights
from koki2_train.brains.modulators import modulator, surprise
from koki2_train.brains.rows import added_up, entries, support_of
from koki2_train.brains.senses import Senses, indices_of
from koki2_train.brains.topology import presynaptic_selection, sparse_inputs
from koki2_train.experiment.brain_settings import SpikingSettings

KINDS = ("input", "recurrent", "motor", "gain")
"""Kinds of what learns, each with its own learning rate and decay: synapses, and the gains of senses."""


class PlasticWeights(NamedTuple):
    """What a genome gives to plastic synapses; every mapping has an entry for each kind that learns.

    Attributes:
        birth: weights at birth, (rows, columns) float32.
        rate: () float32, factor on the learning rate η.
        decay: () float32, λ.
        drift: ρ, a number or () float32.
        coefficients: (4, rows or 1, columns or 1) float32; empty where they do not evolve.
        readout: (N,) float32, u of the modulator ``spike``; None for others.
        support: (actions, N) float32, each neuron's support for each action, filled up to a multiple of eight actions;
            None without a gate, or where motor synapses learn.
        transmission: (N, plastic senses) float32, input weights at birth of the senses whose gains learn; None where
            none do.
        knobs: the dynamic settings.
    """

    birth: dict[str, jax.Array]
    rate: dict[str, jax.Array]
    decay: dict[str, jax.Array]
    drift: Any
    coefficients: dict[str, jax.Array]
    readout: jax.Array | None
    support: jax.Array | None
    transmission: jax.Array | None
    knobs: dict[str, Any]


class PlasticCarry(NamedTuple):
    """What learning changes within a life.

    Attributes:
        weights: by kind, (rows, columns) float32.
        traces: eligibility, as the weights.
        mean: () float32, running mean of the modulator.
        modulator: () float32, of the last step.
    """

    weights: dict[str, jax.Array]
    traces: dict[str, jax.Array]
    mean: jax.Array
    modulator: jax.Array


class Plasticity:
    """The plastic synapses of a spiking network; static.

    Input synapses are held as (plastic senses, N), recurrent ones as (k, N), motor ones as (actions, N): a row for
    each synapse of a neuron, so that loops over them run over all neurons at once. Every life has its own weights,
    whose size decides speed; the fixed synapses stay shared by a genome's lives.

    A gain, (smells, 1), is one factor, 1 at birth, on what all input synapses of a smell transmit: of entries whose
    names differ in the axis alone. What is learned of a smell in one direction then holds in all. Its eligibility is
    that of a synapse, weighted and added up over all synapses on which it acts: e_k ← λ e_k + Σ_j o_j Σ_i w_ji s_i g_i
    over the entries j of smell k.

    Raises:
        ValueError: ``plast_senses`` names a sense that the world does not have.
    """

    def __init__(self, settings: SpikingSettings, senses: Senses, num_actions: int):
        self.settings, self.num_actions = settings, num_actions
        self.kinds = tuple(kind for kind in KINDS if getattr(settings, f"plast_{kind}"))
        self.gated = settings.chosen("plast_gate") == "action"
        self.modulator_kind = settings.chosen("modulator_kind")
        self.evolved = settings.chosen("plast_evolve")
        self.rows: tuple[int, ...] = ()
        if {"input", "gain"} & {*self.kinds}:
            try:
                self.rows = indices_of(settings.plast_senses, senses.names)
            except ValueError as error:
                raise ValueError(f"plast_senses: {error}") from None
        smells = [senses.names[row].removesuffix("_x").removesuffix("_y") for row in self.rows]
        found = list(dict.fromkeys(smells))
        self.smells = tuple(found.index(smell) for smell in smells)  # of each row
        self.num_senses, self.num_smells = senses.size, len(found)
        learned = self.rows if "input" in self.kinds else ()
        self._fixed_rows = tuple(row for row in range(senses.size) if row not in learned)
        self.shapes = {kind: self._shape(kind) for kind in self.kinds}

    def _shape(self, kind: str) -> tuple[int, int]:
        n, k = self.settings.n_neurons, self.settings.k_edges
        shapes = {"input": (len(self.rows), n), "recurrent": (k, n), "motor": (self.num_actions, n)}
        return {**shapes, "gain": (self.num_smells, 1)}[kind]

    @property
    def num_plastic(self) -> int:
        """How many synapses and gains learn."""
        return sum(rows * columns for rows, columns in self.shapes.values())

    def _synapses(self) -> dict[str, tuple[int, int]]:
        return {kind: shape for kind, shape in self.shapes.items() if kind != "gain"}

    def parameters(self) -> dict[str, Parameter]:
        """What a genome must give besides the weights at birth."""
        found: dict[str, Parameter] = {}
        one_each = (len(self.kinds),)
        if self.evolved != "none":
            found["plast_log_rate"] = Parameter(one_each, "coefficient", start=0.0)
            found["plast_logit_decay"] = Parameter(one_each, "coefficient", start=0.0)
        if self.evolved == "rates_and_drift":
            found["plast_log_drift"] = Parameter((), "coefficient", start=0.0)
        detail = self.settings.chosen("plast_coefficients")
        if detail != "none":
            for kind, (rows, columns) in self._synapses().items():
                entry = {"input": (rows, 1), "recurrent": (columns,), "motor": (1, columns)}[kind]
                shape = {"global": (1, 1), "entry": entry, "synapse": (rows, columns)}[detail]
                found[f"plast_both_{kind}"] = Parameter(shape, "coefficient", start=1.0)
                found[f"plast_others_{kind}"] = Parameter((3, *shape), "coefficient", start=0.0)
        if self.modulator_kind == "spike":
            found["modulator_readout"] = Parameter((self.settings.n_neurons,), "coefficient")
        return found

    def develop(self, arrays: Arrays, knobs: Mapping[str, Any]) -> PlasticWeights:
        """The weights of plastic synapses, from the blueprint's arrays and the dynamic settings."""
        zero = jnp.zeros(len(self.kinds), jnp.float32)
        rates = jnp.exp(arrays.get("plast_log_rate", zero))
        middle = jax.scipy.special.logit(jnp.asarray(knobs["plast_lambda"], jnp.float32))
        decays = jax.nn.sigmoid(middle + arrays.get("plast_logit_decay", zero))
        drift = knobs["plast_drift"]
        if "plast_log_drift" in arrays and not is_always(drift, 0.0):
            drift = jnp.minimum(drift * jnp.exp(arrays["plast_log_drift"]), 1.0)
        return PlasticWeights(
            birth={kind: self._birth(kind, arrays) for kind in self.kinds},
            rate={kind: rates[index] for index, kind in enumerate(self.kinds)},
            decay={kind: decays[index] for index, kind in enumerate(self.kinds)},
            drift=drift,
            coefficients={
                kind: self._coefficients(kind, arrays) for kind in self.kinds if f"plast_both_{kind}" in arrays
            },
            readout=arrays.get("modulator_readout"),
            support=support_of(arrays["w_motor"]) if self.gated and "motor" not in self.kinds else None,
            transmission=arrays["w_in"][:, np.asarray(self.rows)] if "gain" in self.kinds else None,
            knobs={name: knobs[name] for name in _KNOBS},
        )

    def _birth(self, kind: str, arrays: Arrays) -> jax.Array:
        if kind == "gain":
            return jnp.ones(self.shapes[kind], jnp.float32)
        weights = arrays[{"input": "w_in", "recurrent": "w_rec", "motor": "w_motor"}[kind]]
        return weights.T[np.asarray(self.rows)] if kind == "input" else weights.T

    def _coefficients(self, kind: str, arrays: Arrays) -> jax.Array:
        found = jnp.concatenate([arrays[f"plast_both_{kind}"][None], arrays[f"plast_others_{kind}"]])
        of_entries = kind == "recurrent" and found.ndim == 2
        return found[:, self._presynaptic_neurons()] if of_entries else found

    def _presynaptic_neurons(self) -> jax.Array:
        """Which neuron is presynaptic at each recurrent synapse; (k, N) int32."""
        settings = self.settings
        return jnp.asarray(sparse_inputs(settings.n_neurons, settings.k_edges, settings.topology_seed).T)

    def fixed(self, arrays: Arrays) -> dict[str, jax.Array]:
        """The blueprint's arrays without the input synapses that learn, and with zeros for recurrent ones that do."""
        fixed = dict(arrays)
        fixed["w_in"] = fixed["w_in"][:, np.asarray(self._fixed_rows, np.int32)]
        if "recurrent" in self.kinds:
            fixed["w_rec"] = jnp.zeros_like(fixed["w_rec"])
        return fixed

    def init(self, weights: PlasticWeights) -> PlasticCarry:
        """Weights as at birth, and no traces."""
        zero = jnp.zeros((), jnp.float32)
        return PlasticCarry(weights.birth, self._no_traces(), zero, zero)

    def _no_traces(self) -> dict[str, jax.Array]:
        return {kind: jnp.zeros(shape, jnp.float32) for kind, shape in self.shapes.items()}

    def without_traces(self, carry: PlasticCarry) -> PlasticCarry:
        """The carry with all traces at zero."""
        return carry._replace(traces=self._no_traces())

    def transmitted(self, carry: PlasticCarry, sensed: jax.Array) -> jax.Array:
        """What is sensed times the gains, (senses,) float32."""
        if "gain" not in self.kinds:
            return sensed
        of_senses = np.zeros((self.num_smells, self.num_senses), np.float32)
        of_senses[np.asarray(self.smells), np.asarray(self.rows)] = 1.0
        return sensed * (1.0 + (carry.weights["gain"][:, 0] - 1.0) @ of_senses)

    def currents(self, carry: PlasticCarry, sensed: jax.Array, spikes: jax.Array) -> jax.Array:
        """What plastic input and recurrent synapses add to each neuron's potential; (N,) float32.

        Args:
            carry: the weights.
            sensed: all that is transmitted, (senses,) float32.
            spikes: of the last step, (N,) float32.
        """
        total = jnp.zeros(self.settings.n_neurons, jnp.float32)
        if "input" in self.kinds:
            total += self._plastic_part(sensed) @ carry.weights["input"]
        if "recurrent" in self.kinds:
            total += added_up(self._presynaptic(spikes) * carry.weights["recurrent"])
        return total

    def _plastic_part(self, sensed: jax.Array) -> jax.Array:
        """The entries of what is sensed whose synapses or gains learn."""
        return entries(sensed, self.rows)

    def fixed_part(self, sensed: jax.Array) -> jax.Array:
        """The entries of what is sensed whose synapses do not learn."""
        return entries(sensed, self._fixed_rows)

    def _presynaptic(self, spikes: jax.Array) -> jax.Array:
        """The presynaptic spike at each recurrent synapse, (k, N).

        In small networks it is a product with a matrix of zeros and ones, which all lives share: on a CPU that is
        faster than picking spikes one by one.
        """
        n, k, seed = self.settings.n_neurons, self.settings.k_edges, self.settings.topology_seed
        if n * n * k > _LARGEST_SELECTION:
            return spikes[self._presynaptic_neurons()]
        return (spikes @ jnp.asarray(presynaptic_selection(n, k, seed))).reshape(k, n)

    def kept(self, spikes: jax.Array) -> jax.Array:
        """The same spikes; where recurrent synapses learn, computed once and kept.

        Their product with the identity is exact for zeros and ones. Without it XLA would fuse the sum over recurrent
        synapses into the eligibility of every row of synapses, and repeat it there; the sum over senses is shorter than
        this product.
        """
        return spikes @ jnp.eye(spikes.shape[0], dtype=spikes.dtype) if "recurrent" in self.kinds else spikes

    def acted(
        self, weights: PlasticWeights, carry: PlasticCarry, sensed: jax.Array, before: jax.Array, spikes: jax.Array,
        action: jax.Array,
    ) -> PlasticCarry:  # fmt: skip
        """The carry with the eligibility of this step.

        Args:
            weights: of the genome.
            carry: the carry.
            sensed: all that is sensed, (senses,) float32.
            before: spikes of the last step, (N,) float32.
            spikes: of this step, (N,) float32.
            action: () int32, the action taken.
        """
        ones = jnp.ones_like(spikes)
        gate = self._gate(weights, carry, action) if self.gated else ones
        traces = {}
        for kind in self.kinds:
            if kind == "gain":
                pre, post, open_to = self._supported(weights, sensed, spikes * gate), jnp.ones(()), jnp.ones(())
            elif kind == "motor":
                taken = (jnp.arange(self.num_actions, dtype=jnp.int32) == action).astype(jnp.float32)[:, None]
                pre, post, open_to = spikes, taken, jnp.ones_like(taken)
            else:
                pre = self._plastic_part(sensed)[:, None] if kind == "input" else self._presynaptic(before)
                post, open_to = spikes * gate, gate
            of_kind = (weights.decay[kind], pre, post, open_to, weights.coefficients.get(kind))
            traces[kind] = eligibility(carry.traces[kind], *of_kind)
        return carry._replace(traces=traces)

    def _supported(self, weights: PlasticWeights, sensed: jax.Array, post: jax.Array) -> jax.Array:
        """How much each smell has supported what the neurons did, Σ_j o_j Σ_i w_ji post_i; (smells, 1) float32."""
        of_smells = np.zeros((len(self.rows), self.num_smells), np.float32)
        of_smells[np.arange(len(self.rows)), np.asarray(self.smells)] = 1.0
        drive = post @ weights.transmission if weights.transmission is not None else jnp.zeros(len(self.rows))
        return ((self._plastic_part(sensed) * drive) @ of_smells)[:, None]

    def _gate(self, weights: PlasticWeights, carry: PlasticCarry, action: jax.Array) -> jax.Array:
        """g_i = W_motor[i, a] − mean_a W_motor[i, a], each neuron's support for the action taken; (N,) float32."""
        support = support_of(carry.weights["motor"].T) if weights.support is None else weights.support
        taken = (jnp.arange(support.shape[0], dtype=jnp.int32) == action).astype(jnp.float32)
        return taken @ support

    def learn(self, weights: PlasticWeights, carry: PlasticCarry, spikes: jax.Array, outcome: Outcome) -> PlasticCarry:
        """The carry after the world answered; nothing is learned after death."""
        knobs, kind = weights.knobs, self.modulator_kind
        value = modulator(kind, outcome, spikes, weights.readout, knobs["mod_drive_scale"])
        mean = carry.mean
        if self.settings.modulator_centred:
            counts = outcome.is_event if kind == "event" else jnp.ones((), bool)
            value, mean = surprise(value, mean, knobs["mod_baseline_rate"], counts)
        if outcome.modulator is not None:
            value = outcome.modulator
        value = jnp.where(outcome.alive, value, 0.0)
        drift = weights.drift if is_always(weights.drift, 0.0) else jnp.where(outcome.alive, weights.drift, 0.0)
        step = value_at(knobs["plast_eta"], outcome.phi) * value
        learned = {
            kind: learned_weights(
                carry.weights[kind], step * weights.rate[kind], carry.traces[kind], weights.birth[kind], drift,
                knobs["plast_max"],
            )
            for kind in self.kinds
        }  # fmt: skip
        return PlasticCarry(learned, carry.traces, mean, value)

    def distance(self, weights: PlasticWeights, carry: PlasticCarry) -> jax.Array:
        """How far a plastic synapse is from its weight at birth, the mean over all; () float32."""
        total = sum(jnp.sum(jnp.abs(carry.weights[kind] - weights.birth[kind])) for kind in self.kinds)
        return jnp.asarray(total, jnp.float32) / self.num_plastic

    def change(self, before: PlasticCarry, after: PlasticCarry) -> jax.Array:
        """How much a plastic synapse changed in a step, in absolute value, the mean over all; () float32."""
        changes = [jnp.sum(jnp.abs(after.weights[kind] - before.weights[kind])) for kind in self.kinds]
        return jnp.sum(jnp.stack(changes)) / self.num_plastic


_KNOBS = ("plast_eta", "plast_max", "mod_drive_scale", "mod_baseline_rate")
_LARGEST_SELECTION = 2**20  # numbers in the matrix that selects presynaptic spikes; it decides rounding
