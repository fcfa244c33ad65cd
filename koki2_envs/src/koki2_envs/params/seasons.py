"""Knobs of the world with seasons, L4.1."""

from __future__ import annotations

from koki2_envs.knobs import knob, pytree_dataclass
from koki2_envs.params.foraging import ForagingParams


@pytree_dataclass
class SeasonsParams(ForagingParams):
    """Knobs of :class:`koki2_envs.environments.seasons.Seasons`."""

    season_phi_low: float = knob(
        0.5, "earliest phase at which the season turns", low=0.0, high=1.0, group="world", scheduled=False
    )
    season_phi_high: float = knob(
        0.5, "latest phase at which the season turns", low=0.0, high=1.0, group="world", scheduled=False
    )
    unripe_integrity_loss: float = knob(
        0.1, "integrity lost per arrival at the food that is out of season", low=0.0, group="sources"
    )
