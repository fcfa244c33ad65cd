"""Scenes of the valence lottery: smells by what they do, the share of good bites, and whether valences are reversed."""

from __future__ import annotations

import dataclasses

import numpy as np

from koki2_envs.environments.lottery import Lottery, LotteryState
from koki2_envs.life_record import LifeRecord
from koki2_envs.params import LotteryParams
from koki2_envs.rendering.scene import Curve, Event, Layer, Scene, lived_states, scene_of
from koki2_envs.rendering.scenes.foraging import foraging_scene
from koki2_envs.rendering.style import BAD, GOOD, GREEN, PURPLE, Mark

RECENT = 10
"""Over how many of the last bites the share of good ones is shown."""


@scene_of.register
def _(env: Lottery, params: LotteryParams, record: LifeRecord) -> Scene:
    scene = foraging_scene(env, params, record)
    states, lived = lived_states(env, record, LotteryState), record.num_lived
    good, bad = (np.asarray(record.info[f"{kind}_arrivals"])[:lived] for kind in ("good", "bad"))
    happened = (("ate", GOOD, good > 0), ("was harmed", BAD, bad > 0))
    return dataclasses.replace(
        scene,
        layers=tuple(_smell(env, states, smell) for smell in range(env.num_smells)),
        events=tuple(Event(name, mark, np.flatnonzero(when) + 1) for name, mark, when in happened if when.any()),
        senses=(
            *(_strength(record, smell) for smell in range(env.num_smells)),
            Curve("good bites (share)", share_of_good(good, bad), GREEN, signed=False),
            *_reversal(states, lived),
        ),
    )


def share_of_good(good: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """The share of good ones among the last ``RECENT`` bites, 0 before the first; (n,) float32.

    Args:
        good: (n,) good bites in each step.
        bad: (n,) bad ones.
    """
    bites: list[float] = []
    shares = []
    for fed, harmed in zip(good, bad, strict=True):
        bites += [1.0] * int(fed) + [0.0] * int(harmed)
        shares.append(float(np.mean(bites[-RECENT:])) if bites else 0.0)
    return np.asarray(shares, np.float32)


def _smell(env: Lottery, states: LotteryState, smell: int) -> Layer:
    """The sources of a smell, marked by what it did at birth; its name also says what it did at the end."""
    which = env.smell_slice(smell)
    first, last = (bool(states.source_is_bad[moment, which.start]) for moment in (0, -1))
    doings = {False: "feeds", True: "harms"}
    name = f"smell {smell + 1} {doings[first]}" + f" → {doings[last]}" * (first != last)
    look = BAD if first else GOOD
    # Smells that do the same at birth differ in their darkness.
    shade = sum(bool(states.source_is_bad[0, env.smell_slice(other).start]) == first for other in range(smell))
    mark = Mark(_darker(look.colour, 0.7**shade), look.shape, look.dashed)
    return Layer(name, mark, np.asarray(states.source_pos[:, which]), np.asarray(states.source_active[:, which]))


def _darker(colour: str, share: float) -> str:
    """A colour ``#rrggbb`` with a share of its brightness."""
    return "#" + "".join(f"{round(share * int(colour[i : i + 2], 16)):02x}" for i in (1, 3, 5))


def _strength(record: LifeRecord, smell: int) -> Curve:
    """How strongly a smell was sensed: the length of its gradient."""
    gradient = record.observations[: record.num_lived, 2 * smell : 2 * smell + 2]
    return Curve(f"smell {smell + 1} (strength)", np.linalg.norm(gradient, axis=1), signed=False)


def _reversal(states: LotteryState, lived: int) -> tuple[Curve, ...]:
    """0 while the valences of birth hold, 1 while they are reversed, in a life in which they are; it is not sensed."""
    reversed_ = np.any(states.source_is_bad[:lived] != states.source_is_bad[0], axis=1).astype(np.float32)
    return (Curve("reversed (hidden)", reversed_, PURPLE, signed=False),) if reversed_.any() else ()
