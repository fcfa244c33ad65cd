"""Knobs of the world whose drive weights switch during a life, L4.2."""

from __future__ import annotations

from koki2_envs.knobs import knob, pytree_dataclass
from koki2_envs.params.homeostasis import HomeostasisParams


@pytree_dataclass
class MotivationParams(HomeostasisParams):
    """Knobs of :class:`koki2_envs.environments.motivation.Motivation`."""

    switch_phi_low: float = knob(
        0.5, "earliest phase at which the drive's weights switch", low=0.0, high=1.0, group="reward", scheduled=False
    )
    switch_phi_high: float = knob(
        0.5, "latest phase at which the drive's weights switch", low=0.0, high=1.0, group="reward", scheduled=False
    )
    energy_drive_weight_after: float = knob(
        1.0, "weight of energy in the drive from the switch on", low=0.0, group="reward"
    )
    hydration_drive_weight_after: float = knob(
        1.0, "weight of hydration in the drive from the switch on", low=0.0, group="reward"
    )
    drive_cost: float = knob(
        0.0, "reward lost per step and unit of the drive with which it begins", low=0.0, group="reward", neutral=0.0
    )
