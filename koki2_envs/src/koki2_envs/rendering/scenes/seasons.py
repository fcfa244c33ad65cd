"""Scenes of the worlds with seasons: two foods, meals out of season, and which food is in season."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np

from koki2_envs.environments.seasons import Seasons, SeasonsState
from koki2_envs.life_record import LifeRecord
from koki2_envs.params import SeasonsParams
from koki2_envs.rendering.scene import Curve, Event, Layer, Scene, lived_states, scene_of
from koki2_envs.rendering.scenes.foraging import foraging_scene, sensed_gradient
from koki2_envs.rendering.style import ATE, ATE_SECOND, BAD, GOOD, HARMED, SECOND, UNRIPE


@scene_of.register
def _(env: Seasons, params: SeasonsParams, record: LifeRecord) -> Scene:
    scene = foraging_scene(env, params, record)
    states, lived = lived_states(env, record, SeasonsState), record.num_lived
    is_second, is_bad = np.asarray(env.is_second), states.source_is_bad[0]
    kinds = (
        ("first food", GOOD, ~is_second & ~is_bad),
        ("bad source", BAD, is_bad),
        ("second food", SECOND, is_second),
    )
    info = {name: np.asarray(values)[:lived] for name, values in record.info.items()}
    second = info["second_meals"] > 0
    happened = (
        ("ate the first", ATE, (info["energy_gained"] > 0) & ~second),
        ("ate the second", ATE_SECOND, second),
        ("ate out of season", UNRIPE, info["unripe_arrivals"] > 0),
        ("was harmed", HARMED, info["bad_arrivals"] > info["unripe_arrivals"]),
    )
    return dataclasses.replace(
        scene,
        layers=tuple(
            Layer(name, mark, states.source_pos[:, which], states.source_active[:, which])
            for name, mark, which in kinds
            if which.any()
        ),
        events=tuple(Event(name, mark, np.flatnonzero(when) + 1) for name, mark, when in happened if when.any()),
        senses=(
            *scene.senses,
            *sensed_gradient("second", record, env.observation_names.index("second_x"), scene.size),
            _season(env, params, states, lived),
        ),
    )


def _season(env: Seasons, params: SeasonsParams, states: SeasonsState, lived: int) -> Curve:
    """0 while the first food feeds, 1 while the second does; it is not sensed."""
    phi = np.asarray(env.phase(jax.numpy.asarray(states.time[:lived]), params))
    is_second = (phi >= states.season_phi[:lived]).astype(np.float32)
    return Curve("season (hidden)", is_second, SECOND.colour, signed=False)
