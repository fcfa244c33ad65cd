"""Knobs of the worlds with threats, L3.0 to L3.2."""

from __future__ import annotations

from koki2_envs.knobs import knob, pytree_dataclass
from koki2_envs.params.foraging import ForagingParams


@pytree_dataclass
class ThreatsParams(ForagingParams):
    """Knobs of :class:`koki2_envs.environments.threats.Threats`."""

    zone_radius: float = knob(
        2.5, "distance from its centre up to which a zone hurts", unit="cells", low=0.0, group="threats",
        scheduled=False,
    )  # fmt: skip
    zone_integrity_loss: float = knob(
        0.0, "integrity lost per step inside a zone; 0 is a world without zones", low=0.0, group="threats", neutral=0.0
    )
    storm_integrity_loss: float = knob(
        0.0, "integrity lost per step out in a storm; 0 is a world without storms", low=0.0, group="threats",
        neutral=0.0,
    )  # fmt: skip
    storm_calm_min: int = knob(12, "shortest calm", unit="steps", low=1, high=65535, group="threats")
    storm_calm_max: int = knob(24, "longest calm", unit="steps", low=1, high=65535, group="threats")
    storm_steps: int = knob(8, "length of a storm", unit="steps", low=1, high=65535, group="threats")
    cue_delay: int = knob(
        10, "time of warning between calm and storm, in which the cue is on", unit="steps", low=1, high=65535,
        group="threats",
    )  # fmt: skip
    cue_jitter: int = knob(
        0, "how much shorter or longer than cue_delay a warning may be", unit="steps", low=0, high=65535,
        group="threats",
    )  # fmt: skip
    cue_validity_low: float = knob(
        1.0, "least probability, drawn for each life, that a storm is announced", low=0.0, high=1.0, group="threats",
        scheduled=False,
    )  # fmt: skip
    cue_validity_high: float = knob(
        1.0, "largest probability, drawn for each life, that a storm is announced", low=0.0, high=1.0, group="threats",
        scheduled=False,
    )  # fmt: skip
    false_alarm_p: float = knob(
        0.0, "share of cues that no storm follows", low=0.0, high=1.0, group="threats", scheduled=False
    )
    decoy_p: float = knob(
        0.0, "probability per step that the decoy switches on or off", low=0.0, high=1.0, group="threats", neutral=0.0
    )
