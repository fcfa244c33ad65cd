"""Scenes of the worlds with food and water: water and salt among the layers, hydration among the levels."""

from __future__ import annotations

import dataclasses

import numpy as np

from koki2_envs.environments.homeostasis import Homeostasis, HomeostasisState
from koki2_envs.life_record import LifeRecord
from koki2_envs.params import HomeostasisParams
from koki2_envs.rendering.scene import Curve, Ending, Event, Layer, Scene, lived_states, scene_of
from koki2_envs.rendering.scenes.foraging import foraging_scene, sensed_gradient
from koki2_envs.rendering.style import ATE, BAD, DOTTED, DRANK, DRANK_SALT, GOOD, HARMED, SALT, WATER, Mark


@scene_of.register
def homeostasis_scene(env: Homeostasis, params: HomeostasisParams, record: LifeRecord) -> Scene:
    """Food, water and salt, thirst, and the gradient to water; also of worlds that add to them."""
    scene = foraging_scene(env, params, record)
    states, lived = lived_states(env, record, HomeostasisState), record.num_lived
    is_water, is_bad = np.asarray(env.is_water), states.source_is_bad[0]
    kinds: tuple[tuple[str, Mark, np.ndarray], ...] = (
        ("food", GOOD, ~is_water & ~is_bad),
        ("bad food", BAD, ~is_water & is_bad),
        ("water", WATER, is_water & ~is_bad),
        ("salty water", SALT, is_water & is_bad),
    )
    info = {name: np.asarray(values)[:lived] for name, values in record.info.items()}
    happened = (
        ("ate", ATE, info["energy_gained"] > 0),
        ("drank", DRANK, (info["water_gained"] > 0) & (info["salty_arrivals"] == 0)),
        ("drank salt", DRANK_SALT, info["salty_arrivals"] > 0),
        ("was harmed", HARMED, info["bad_arrivals"] > info["salty_arrivals"]),
    )
    hydration = Curve("hydration", states.hydration, WATER.colour, dashes=DOTTED)
    return dataclasses.replace(
        scene,
        layers=tuple(
            Layer(name, mark, states.source_pos[:, which], states.source_active[:, which])
            for name, mark, which in kinds
            if which.any()
        ),
        events=tuple(Event(name, mark, np.flatnonzero(when) + 1) for name, mark, when in happened if when.any()),
        levels=(*scene.levels, hydration),
        senses=(*scene.senses, *sensed_gradient("water", record, env.observation_names.index("water_x"), scene.size)),
        ending=_ending(states, record, scene.ending),
    )


def _ending(states: HomeostasisState, record: LifeRecord, ending: Ending) -> Ending:
    thirsted = states.hydration[-1] <= 0 and record.num_lived < record.num_steps and states.integrity[-1] > 0
    return Ending(f"died of thirst at step {record.num_lived}", fatal=True) if thirsted else ending
