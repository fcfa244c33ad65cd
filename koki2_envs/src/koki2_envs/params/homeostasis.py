"""Knobs of the worlds with food and water, L2.0 to L2.2."""

from __future__ import annotations

from koki2_envs.knobs import knob, pytree_dataclass
from koki2_envs.params.foraging import ForagingParams


@pytree_dataclass
class HomeostasisParams(ForagingParams):
    """Knobs of :class:`koki2_envs.environments.homeostasis.Homeostasis`."""

    hydration_init: float = knob(1.0, "hydration at birth", low=0.0, high=1.0, above_low=True, group="body")
    hydration_decay: float = knob(1.0 / 128.0, "hydration lost per step", low=0.0, group="body")
    water_gain: float = knob(0.25, "hydration per arrival at water", low=0.0, group="body")
    hydration_setpoint: float = knob(1.0, "hydration at which the drive is zero", group="reward")
    hydration_drive_weight: float = knob(1.0, "weight of hydration in the drive", low=0.0, group="reward")
    hydration_reward: float = knob(10.0, "reward per unit of hydration gained", group="reward")

    num_salty: int = knob(0, "how many of the waters are salty", low=0, group="sources")
    salt_integrity_loss: float = knob(0.25, "integrity lost per arrival at salty water", low=0.0, group="sources")

    layout_uniform: float = knob(
        1.0,
        "weight of the law by which food and water lie anywhere",
        low=0.0,
        high=1000.0,
        group="world",
        scheduled=False,
    )
    layout_clustered: float = knob(
        0.0, "weight of the law by which food lies around one place and water around another", low=0.0, high=1000.0,
        group="world", neutral=0.0, scheduled=False,
    )  # fmt: skip
    layout_opposite: float = knob(
        0.0, "weight of the law by which food and water lie at opposite sides", low=0.0, high=1000.0, group="world",
        neutral=0.0, scheduled=False,
    )  # fmt: skip
    layout_spread: int = knob(
        3, "how far a cluster reaches from its centre, and a side from the border", unit="cells", low=1, group="world"
    )
    layout_shifts: bool = knob(
        False, "places and sides are drawn for each life; else food is at the left, water at the right", group="world"
    )
