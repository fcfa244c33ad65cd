"""Scenes of worlds whose drive weights switch: the weights in force are curves below the senses."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np

from koki2_envs.environments.motivation import Motivation, MotivationState
from koki2_envs.life_record import LifeRecord
from koki2_envs.params import MotivationParams
from koki2_envs.rendering.scene import Curve, Scene, lived_states, scene_of
from koki2_envs.rendering.scenes.homeostasis import homeostasis_scene
from koki2_envs.rendering.style import BLUE, WATER


@scene_of.register
def _(env: Motivation, params: MotivationParams, record: LifeRecord) -> Scene:
    scene = homeostasis_scene(env, params, record)
    states, lived = lived_states(env, record, MotivationState), record.num_lived
    born = jax.tree.map(lambda leaf: leaf[:lived], states)
    phi = env.phase(jax.numpy.asarray(born.time), params)
    weights = env.drive_weights(born, params, phi)
    energy, hydration = (
        np.broadcast_to(np.asarray(weights[name], np.float32), (lived,)) for name in ("energy", "hydration")
    )
    counts = (
        Curve("weight of food", energy, BLUE, signed=False),
        Curve("weight of water", hydration, WATER.colour, signed=False),
    )
    return dataclasses.replace(scene, senses=(*scene.senses, *counts))
