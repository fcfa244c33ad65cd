"""Sections of an experiment: settings of genome, strategy, evolution, viability test and validation."""

from __future__ import annotations

from dataclasses import dataclass

from koki2_train.experiment.settings_base import Settings, setting


@dataclass(frozen=True)
class DirectSettings(Settings):
    """Directly encoded genomes."""

    init_scale: float = setting(0.1, "standard deviation of the weights at the start", low=0.0, group="genome")


@dataclass(frozen=True)
class OpenESSettings(Settings):
    """OpenAI-ES with Adam."""

    sigma: float = setting(0.15, "standard deviation of the search", low=1e-9, group="strategy")
    sigma_decay: float = setting(1.0, "factor on sigma per generation", low=1e-3, high=1.0, group="strategy")
    sigma_floor: float = setting(0.1, "share of sigma at which its decay ends", low=0.0, high=1.0, group="strategy")
    lr: float = setting(0.1, "learning rate of Adam", low=0.0, group="strategy")
    lr_decay: float = setting(1.0, "factor on lr per generation", low=1e-3, high=1.0, group="strategy")
    lr_floor: float = setting(0.1, "share of lr at which its decay ends", low=0.0, high=1.0, group="strategy")
    adam_b1: float = setting(0.8, "Adam's memory of the gradient", low=0.0, high=0.999999, group="strategy")
    adam_b2: float = setting(0.999, "Adam's memory of the squared gradient", low=0.0, high=0.999999, group="strategy")
    weight_decay: float = setting(
        0.0,
        "share of the mean that is taken away per generation, times lr",
        low=0.0,
        group="strategy",
    )


@dataclass(frozen=True)
class EvolutionSettings(Settings):
    """Budget of the evolution."""

    generations: int = setting(200, "generations to run", low=1, group="evolution")
    pop_size: int = setting(128, "genomes per generation, an even number", low=2, group="evolution")
    episodes: int = setting(8, "lives per genome and generation, the same for all genomes", low=1, group="evolution")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pop_size % 2:
            raise ValueError(f"pop_size must be even (genomes come in mirrored pairs), got {self.pop_size}")


@dataclass(frozen=True)
class ViabilitySettings(Settings):
    """The minimal viability test."""

    mvt: bool = setting(False, "rank genomes that fail the minimal viability test below all others", group="viability")
    mvt_episodes: int = setting(4, "short lives of which one must pass", low=1, group="viability")
    mvt_steps: int = setting(32, "length of a short life", unit="steps", low=1, group="viability")
    mvt_min_alive_steps: int = setting(32, "steps a short life must survive", unit="steps", low=0, group="viability")
    mvt_min_action_entropy: float = setting(
        0.0, "action entropy a short life must reach", unit="nats", low=0.0, group="viability"
    )
    mvt_min_energy_gained: float = setting(0.0, "energy a short life must gain", low=0.0, group="viability")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mvt_min_alive_steps > self.mvt_steps:
            raise ValueError(
                f"mvt_min_alive_steps must be at most mvt_steps = {self.mvt_steps}, got {self.mvt_min_alive_steps}"
            )


@dataclass(frozen=True)
class ValidationSettings(Settings):
    """How the run's champion is chosen."""

    validate_every: int = setting(10, "generations between validations", low=1, group="validation")
    validation_episodes: int = setting(
        256, "lives of a validation, the same throughout a run", low=1, group="validation"
    )
    validation_top: int = setting(
        1, "how many of a generation's best genomes compete with the mean", low=0, group="validation"
    )
