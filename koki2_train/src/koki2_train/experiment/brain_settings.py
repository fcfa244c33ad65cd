"""Settings of brains: senses, the spiking network, learning within a life, and the gated recurrent network."""

from __future__ import annotations

from dataclasses import dataclass

from koki2_train.experiment.settings_base import Settings, choice_setting, setting


@dataclass(frozen=True)
class SenseSettings(Settings):
    """What a brain senses beside the world's observation."""

    sense_event: bool = setting(
        False, "also sense whether the last step fed, hurt and, where there is water, gave some", group="brain"
    )


@dataclass(frozen=True)
class PlasticitySettings(Settings):
    """Learning within a life by a three-factor rule.

    Those that say so are inputs of compiled code: other values do not compile anew, and can be given at evaluation.
    """

    plast_enabled: bool = setting(False, "learn within a life", group="plasticity")
    plast_input: bool = setting(False, "input synapses of the senses that plast_senses names learn", group="plasticity")
    plast_recurrent: bool = setting(True, "recurrent synapses learn", group="plasticity")
    plast_motor: bool = setting(False, "motor synapses learn", group="plasticity")
    plast_gain: bool = setting(
        False, "gains of the senses that plast_senses names learn, one factor a smell", group="plasticity"
    )
    plast_senses: str = setting(
        "*_x,*_y", "senses whose synapses learn, by name: names or patterns joined by commas", group="plasticity"
    )
    plast_gate: int = choice_setting(
        ("none", "action"),
        "what eligibility also depends on: nothing, or each neuron's support for the action taken",
        group="plasticity",
    )
    plast_eta: float = setting(
        0.05, "learning rate η; may be negative", dynamic=True, scheduled=True, group="plasticity"
    )
    plast_lambda: float = setting(
        0.9, "share of its eligibility that a synapse keeps from step to step, λ",
        low=0.0, high=1.0, dynamic=True, group="plasticity",
    )  # fmt: skip
    plast_drift: float = setting(
        0.0, "share of the way back to its weight at birth that a synapse drifts in a step, ρ",
        low=0.0, high=1.0, neutral=0.0, dynamic=True, group="plasticity",
    )  # fmt: skip
    plast_max: float = setting(
        3.0, "largest size of a weight that learns", low=0.0, dynamic=True, group="plasticity"
    )  # fmt: skip
    plast_evolve: int = choice_setting(
        ("rates", "none", "rates_and_drift"),
        "what evolves with the weights: η and λ, nothing, or also ρ; each starts at its setting",
        group="plasticity",
    )
    plast_coefficients: int = choice_setting(
        ("none", "global", "entry", "synapse"),
        "evolved coefficients of pre·post, pre, post and 1, which start at 1, 0, 0, 0: none, or for all synapses of a "
        "kind, for each presynaptic entry, or for each synapse",
        group="plasticity",
    )
    modulator_kind: int = choice_setting(
        ("event", "drive", "spike"),
        "what modulates learning: what was eaten, drunk and lost, drive reduction, or the brain's own spikes",
        group="plasticity",
    )
    modulator_centred: bool = setting(
        False, "the modulator is the surprise, its difference to a running mean of itself", group="plasticity"
    )
    mod_drive_scale: float = setting(
        1.0, "factor on events or drive reduction before the hyperbolic tangent", dynamic=True, group="plasticity"
    )
    mod_baseline_rate: float = setting(
        0.05, "share of the surprise that the modulator's running mean takes up",
        low=0.0, high=1.0, dynamic=True, group="plasticity",
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        kinds = (self.plast_input, self.plast_recurrent, self.plast_motor, self.plast_gain)
        if self.plast_enabled and not any(kinds):
            raise ValueError(
                "plast_enabled needs something that learns: plast_input, plast_recurrent, plast_motor or plast_gain"
            )


@dataclass(frozen=True)
class SpikingSettings(SenseSettings, PlasticitySettings):
    """The spiking network."""

    n_neurons: int = setting(32, "number of neurons N", low=2, high=8192, group="brain")
    k_edges: int = setting(8, "recurrent inputs per neuron k", low=1, group="brain")
    topology_seed: int = setting(0, "draws which neurons each neuron listens to", low=0, group="brain")
    theta: float = setting(1.0, "firing threshold θ", low=1e-6, group="brain")
    tau_m: float = setting(10.0, "membrane time constant τ", unit="steps", low=1e-3, group="brain")
    scale_senses: bool = setting(
        True, "write input weights in units of one over each sense's typical size", group="brain"
    )
    sparse_from: int = setting(24, "use sparse storage from this many neurons per input, N/k", low=1, group="brain")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.k_edges > self.n_neurons - 1:
            raise ValueError(f"k_edges must be at most n_neurons - 1 = {self.n_neurons - 1}, got {self.k_edges}")

    @property
    def is_sparse(self) -> bool:
        """Whether synapses are stored sparsely.

        Decided by sizes alone, never by the machine, because it changes rounding.
        """
        return self.n_neurons >= self.sparse_from * self.k_edges


@dataclass(frozen=True)
class GRUSettings(SenseSettings):
    """The gated recurrent network.

    By default it has about as many numbers as a spiking network by default: with S senses and A actions,
    3·10·(S + 10 + 1) + 10·A + A. That is 655 on L5.0 and 715 with ``sense_event``, where a spiking network has 709 and
    773; on L0.2 it is 505, and 549. Eleven units would have 44 and 46 numbers more than the spiking network of L5.0.
    """

    n_units: int = setting(10, "number of units N", low=1, high=4096, group="brain")
    scale_senses: bool = setting(
        True, "write input weights in units of one over each sense's typical size", group="brain"
    )
