"""Scenes of the worlds with walls: those of foraging, with the walls drawn first."""

from __future__ import annotations

import dataclasses

import numpy as np

from koki2_envs.environments.obstacles import Obstacles, ObstaclesState
from koki2_envs.life_record import LifeRecord
from koki2_envs.params import ObstaclesParams
from koki2_envs.rendering.scene import Layer, Scene, lived_states, scene_of
from koki2_envs.rendering.scenes.foraging import foraging_scene
from koki2_envs.rendering.style import WALL


@scene_of.register
def _(env: Obstacles, params: ObstaclesParams, record: LifeRecord) -> Scene:
    scene = foraging_scene(env, params, record)
    states = lived_states(env, record, ObstaclesState)
    cells = _walls(states.rooms[0], scene.size)
    if not cells.size:
        return scene
    pos = np.broadcast_to(cells, (len(states.pos), *cells.shape))
    walls = Layer("wall", WALL, pos, np.ones(pos.shape[:2], bool))
    return dataclasses.replace(scene, layers=(walls, *scene.layers))


def _walls(rooms: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The cells of a world that no rectangle (R, 4) holds; (W, 2) int."""
    solid = np.ones(size, bool)
    for x0, y0, x1, y1 in rooms:
        solid[x0 : x1 + 1, y0 : y1 + 1] = False
    return np.argwhere(solid)
