"""Settings of brain, evolution, viability test and validation. Importable without JAX."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from koki2_envs.knobs import check_knob, knob, knob_fields


class _Checked:
    """Checks every field against its declaration."""

    def __post_init__(self) -> None:
        for name, field in knob_fields(self).items():
            if not isinstance(getattr(self, name), bool | int | float | np.bool_ | np.number):
                raise TypeError(f"{name} must be a number, got {getattr(self, name)!r}")
            object.__setattr__(self, name, check_knob(name, getattr(self, name), field))


@dataclass(frozen=True)
class BrainConfig(_Checked):
    """The spiking network and its genome."""

    n_neurons: int = knob(32, "number of neurons N", low=2, high=8192, group="brain")
    k_edges: int = knob(8, "recurrent inputs per neuron k", low=1, group="brain")
    topology_seed: int = knob(0, "draws which neurons each neuron listens to", low=0, group="brain")
    theta: float = knob(1.0, "firing threshold θ", low=1e-6, group="brain", scheduled=False)
    tau_m: float = knob(10.0, "membrane time constant τ", unit="steps", low=1e-3, group="brain", scheduled=False)
    init_scale: float = knob(
        0.1, "standard deviation of the weights at the start", low=0.0, group="brain", scheduled=False
    )
    scale_senses: bool = knob(True, "write input weights in units of one over each sense's typical size", group="brain")
    sparse_from: int = knob(
        24, "neurons per recurrent input, N/k, from which on only existing synapses are stored", low=1, group="brain"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.k_edges > self.n_neurons - 1:
            raise ValueError(f"k_edges must be at most n_neurons - 1 = {self.n_neurons - 1}, got {self.k_edges}")

    @property
    def is_sparse(self) -> bool:
        """Whether synapses are stored sparsely. It follows from sizes alone, never from a machine: it decides bits."""
        return self.n_neurons >= self.sparse_from * self.k_edges


@dataclass(frozen=True)
class EvolutionConfig(_Checked):
    """OpenAI-ES and its budget."""

    generations: int = knob(200, "generations to run", low=1, group="evolution")
    pop_size: int = knob(128, "genomes per generation, an even number", low=2, group="evolution")
    episodes: int = knob(8, "lives per genome and generation, the same for all genomes", low=1, group="evolution")
    sigma: float = knob(0.15, "standard deviation of the search", low=1e-9, group="evolution", scheduled=False)
    sigma_decay: float = knob(
        1.0, "factor on sigma per generation", low=1e-3, high=1.0, group="evolution", scheduled=False
    )
    sigma_floor: float = knob(
        0.1, "share of sigma at which its decay ends", low=0.0, high=1.0, group="evolution", scheduled=False
    )
    lr: float = knob(0.1, "learning rate of Adam", low=0.0, group="evolution", scheduled=False)
    lr_decay: float = knob(1.0, "factor on lr per generation", low=1e-3, high=1.0, group="evolution", scheduled=False)
    lr_floor: float = knob(
        0.1, "share of lr at which its decay ends", low=0.0, high=1.0, group="evolution", scheduled=False
    )
    adam_b1: float = knob(
        0.8, "Adam's memory of the gradient", low=0.0, high=0.999999, group="evolution", scheduled=False
    )
    adam_b2: float = knob(
        0.999, "Adam's memory of the squared gradient", low=0.0, high=0.999999, group="evolution", scheduled=False
    )

    weight_decay: float = knob(
        0.0,
        "share of the mean that is taken away per generation, times lr",
        low=0.0,
        group="evolution",
        scheduled=False,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pop_size % 2:
            raise ValueError(f"pop_size must be even (genomes come in mirrored pairs), got {self.pop_size}")


@dataclass(frozen=True)
class MVTConfig(_Checked):
    """The minimal viability test."""

    mvt: bool = knob(False, "rank genomes that fail the minimal viability test below all others", group="viability")
    mvt_episodes: int = knob(4, "short lives of which one must pass", low=1, group="viability")
    mvt_steps: int = knob(32, "length of a short life", unit="steps", low=1, group="viability")
    mvt_min_alive_steps: int = knob(32, "steps a short life must survive", unit="steps", low=0, group="viability")
    mvt_min_action_entropy: float = knob(
        0.0, "action entropy a short life must reach", unit="nats", low=0.0, group="viability", scheduled=False
    )
    mvt_min_energy_gained: float = knob(
        0.0, "energy a short life must gain", low=0.0, group="viability", scheduled=False
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mvt_min_alive_steps > self.mvt_steps:
            raise ValueError(
                f"mvt_min_alive_steps must be at most mvt_steps = {self.mvt_steps}, got {self.mvt_min_alive_steps}"
            )


@dataclass(frozen=True)
class ValidationConfig(_Checked):
    """How the run's champion is chosen."""

    validate_every: int = knob(10, "generations between validations", low=1, group="validation")
    validation_episodes: int = knob(256, "lives of a validation, the same throughout a run", low=1, group="validation")
    validation_top: int = knob(
        1, "how many of a generation's best genomes compete with the mean", low=0, group="validation"
    )
