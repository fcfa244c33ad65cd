"""Knobs of the foraging worlds, L0.0 to L1.1 and L4.0."""

from __future__ import annotations

from koki2_envs.knobs import choice, knob, pytree_dataclass
from koki2_envs.params.base import WorldParams

SMELL_LAWS = ("displacement", "nearness")
"""How a gradient depends on the distance to what is smelled, by the number of the law."""


@pytree_dataclass
class ForagingParams(WorldParams):
    """Knobs of :class:`koki2_envs.environments.foraging.Foraging`."""

    width: int = knob(64, "width of the grid", unit="cells", low=1, high=4096, group="world")
    height: int = knob(1, "height of the grid", unit="cells", low=1, high=4096, group="world")
    terminate_on_reach: bool = knob(False, "a life ends when a good source is reached", group="world", neutral=False)

    num_bad_sources: int = knob(0, "how many of the sources are bad", low=0, group="sources")
    bad_source_integrity_loss: float = knob(
        0.25, "integrity lost per arrival at a bad source", low=0.0, group="sources"
    )
    deplete_sources: bool = knob(False, "a source that was arrived at goes inactive", group="sources", neutral=False)
    respawn_delay: int = knob(
        4,
        "steps until a depleted source is back; 0 moves it at once",
        unit="steps",
        low=0,
        group="sources",
        scheduled=True,
    )
    bad_source_respawn_delay: int = knob(
        -1, "the same for bad sources; -1 takes respawn_delay", unit="steps", low=-1, group="sources", scheduled=True
    )
    bad_source_deplete_p: float = knob(
        1.0, "probability that a bad source depletes when arrived at", low=0.0, high=1.0, group="sources", neutral=1.0
    )

    energy_init: float = knob(1.0, "energy at birth", low=0.0, high=1.0, above_low=True, group="body")
    energy_decay: float = knob(1.0 / 128.0, "energy lost per step", low=0.0, group="body")
    energy_gain: float = knob(0.05, "energy per arrival at a good source", low=0.0, group="body")
    integrity_healing: float = knob(0.0, "integrity that heals per step", low=0.0, group="body", neutral=0.0)
    motor_gain: float = knob(
        1.0, "probability that a chosen move is carried out", low=0.0, high=1.0, group="body", neutral=1.0
    )
    harm_cost: float = knob(0.0, "reward lost per unit of integrity lost", low=0.0, group="reward", neutral=0.0)
    energy_setpoint: float = knob(1.0, "energy at which the drive is zero", group="reward")
    integrity_setpoint: float = knob(1.0, "integrity at which the drive is zero", group="reward")
    energy_drive_weight: float = knob(1.0, "weight of energy in the drive", low=0.0, group="reward")
    integrity_drive_weight: float = knob(1.0, "weight of integrity in the drive", low=0.0, group="reward")

    smell_law: int = choice(
        SMELL_LAWS, "what a gradient is: the displacement, or the direction over the distance", group="senses",
        neutral=0,
    )  # fmt: skip
    good_only_gradient: bool = knob(False, "the gradient ignores bad sources", group="senses", neutral=False)
    hazard_smell: float = knob(
        0.0,
        "how much a nearest bad source changes the gradient: 0 same smell, 0.5 silent, 1 repelling",
        low=0.0,
        high=1.0,
        group="senses",
        neutral=0.0,
    )
    sense_radius: float = knob(
        0.0, "distance up to which sources are sensed; 0 is without limit", unit="cells", low=0.0, group="senses",
        neutral=0.0,
    )  # fmt: skip
    grad_bins: float = knob(
        0.0, "resolution b of the gradient, quantised to round(g·b)/b; 0 is exact", low=0.0, group="senses", neutral=0.0
    )
    grad_gain: float = knob(1.0, "factor on the gradient", low=0.0, group="senses", neutral=1.0)
    grad_dropout_p: float = knob(
        0.0, "probability per step that the gradient is silent", low=0.0, high=1.0, group="senses", neutral=0.0
    )
    obs_noise: float = knob(
        0.0, "standard deviation of Gaussian noise on all senses", low=0.0, group="senses", neutral=0.0
    )
