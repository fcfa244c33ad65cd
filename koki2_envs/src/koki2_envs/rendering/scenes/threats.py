"""Scenes of the worlds with threats: zones and shelters in the world, storms below the cue, pain among the events."""

from __future__ import annotations

import dataclasses

import numpy as np

from koki2_envs.environments.threats import Threats, ThreatsState
from koki2_envs.knobs import is_always
from koki2_envs.life_record import LifeRecord
from koki2_envs.mechanics.storms import STORM
from koki2_envs.params import ThreatsParams
from koki2_envs.rendering.scene import Curve, Event, Layer, Scene, lived_states, scene_of
from koki2_envs.rendering.scenes.foraging import foraging_scene, sensed_gradient
from koki2_envs.rendering.style import PAIN, SHELTER, ZONE, Mark


@scene_of.register
def _(env: Threats, params: ThreatsParams, record: LifeRecord) -> Scene:
    scene = foraging_scene(env, params, record)
    states = lived_states(env, record, ThreatsState)
    zones, storms = (not is_always(loss, 0.0) for loss in (params.zone_integrity_loss, params.storm_integrity_loss))
    hurt = np.flatnonzero(np.asarray(record.info["lost_in_zones"] + record.info["lost_in_storms"]) > 0) + 1
    hurt = hurt[hurt <= record.num_lived]
    moments = len(states.pos)
    layers = [_still(ZONE, "zone that hurts", _zone_cells(states, params, scene.size), moments)] if zones else []
    if storms:
        layers.append(_still(SHELTER, "shelter", states.shelter_pos[0], moments))
    return dataclasses.replace(
        scene,
        layers=(*layers, *scene.layers),
        events=(*scene.events, *([Event("was hurt", PAIN, hurt)] if hurt.size else [])),
        senses=(*scene.senses, *(_warnings(env, states, params, record, scene.size) if storms else ())),
    )


def _zone_cells(states: ThreatsState, params: ThreatsParams, size: tuple[int, int]) -> np.ndarray:
    """The cells that hurt; (n, 2) int."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]), indexing="ij")
    cells = np.stack([x.ravel(), y.ravel()], axis=1)
    squares = np.square(cells[:, None] - states.zone_pos[0][None]).sum(axis=2)
    return cells[(squares <= float(params.zone_radius) ** 2).any(axis=1)]


def _still(mark: Mark, name: str, cells: np.ndarray, moments: int) -> Layer:
    """Things (K, 2) that are in their cells for the whole life."""
    pos = np.broadcast_to(cells, (moments, *cells.shape))
    return Layer(name, mark, pos, np.ones(pos.shape[:2], bool))


def _warnings(
    env: Threats, states: ThreatsState, params: ThreatsParams, record: LifeRecord, size: tuple[int, int]
) -> tuple[Curve, ...]:
    """The way to shelter, the cue above the storms, and the decoy where there is one."""
    lived, entry = record.num_lived, env.observation_names.index
    storm = (np.asarray(states.storm_phase[:lived]) == STORM).astype(np.float32)
    # With noise a sense that is on or off may be negative.
    signed = not is_always(params.obs_noise, 0.0)
    curves = [
        *sensed_gradient("shelter", record, entry("shelter_x"), size),
        Curve("cue", record.observations[:lived, entry("cue")], signed=signed),
        Curve("storm (hidden)", storm, PAIN.colour, signed=False),
    ]
    if not is_always(params.decoy_p, 0.0):
        curves.append(Curve("decoy", record.observations[:lived, entry("decoy")], signed=signed))
    return tuple(curves)
