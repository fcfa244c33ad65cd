"""A life as a still picture and as a GIF (the extra ``pictures``: matplotlib and Pillow are imported only here).

A world says what is to be seen of it by registering a function with :data:`scene_of`; everything else draws that
:class:`Scene` and knows no world by name.
"""

from koki2_envs.life_record import LifeRecord
from koki2_envs.rendering import scenes
from koki2_envs.rendering.film import animate_life
from koki2_envs.rendering.panels import Panel
from koki2_envs.rendering.scene import Curve, Ending, Event, Layer, Scene, scene_of
from koki2_envs.rendering.still import draw_life, save_figure
from koki2_envs.rendering.style import Mark

__all__ = [
    "Curve",
    "Ending",
    "Event",
    "Layer",
    "LifeRecord",
    "Mark",
    "Panel",
    "Scene",
    "animate_life",
    "draw_life",
    "save_figure",
    "scene_of",
    "scenes",
]
