"""Knobs of the valence lottery, L5.0 and L5.1."""

from __future__ import annotations

from koki2_envs.knobs import choice, knob, pytree_dataclass
from koki2_envs.params.foraging import ForagingParams

FEEDING_SETS = ("all", "unlike", "alike")
"""Which sets of feeding smells are drawn, by number: all, those of smells 1 and 2 unlike in valence, those alike."""


@pytree_dataclass
class LotteryParams(ForagingParams):
    """Knobs of :class:`koki2_envs.environments.lottery.Lottery`."""

    num_feeding: int = knob(1, "how many of the smells feed; the others harm", low=1, group="sources")
    feeding_sets: int = choice(
        FEEDING_SETS, "which sets of feeding smells are drawn: all, those with smells 1 and 2 unlike, or alike",
        group="sources",
    )  # fmt: skip
    reversal_phi_low: float = knob(
        1.0, "earliest phase after which all valences are reversed; 1 is never", low=0.0, high=1.0, group="world",
        neutral=1.0, scheduled=False,
    )  # fmt: skip
    reversal_phi_high: float = knob(
        1.0, "latest phase after which all valences are reversed", low=0.0, high=1.0, group="world", neutral=1.0,
        scheduled=False,
    )  # fmt: skip
