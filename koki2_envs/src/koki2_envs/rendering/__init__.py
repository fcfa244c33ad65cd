"""Pictures of a life, still and as a GIF (the extra ``pictures``: matplotlib and Pillow are imported only here).

A family of worlds registers a function with :data:`scene_of`, which turns a record into a :class:`Scene`; everything
else draws scenes and knows no world by name.
"""

# isort: off
from koki2_envs.matplotlib_import import import_matplotlib as import_matplotlib  # first, see there

# isort: on
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
    "Mark",
    "Panel",
    "Scene",
    "animate_life",
    "draw_life",
    "save_figure",
    "scene_of",
    "scenes",
]
