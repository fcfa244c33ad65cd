"""Measurements of the earlier research code, kept in ``data/``, and the worlds that they were measured in."""

import json
from pathlib import Path

import numpy as np

from koki2_envs import ramp
from koki2_envs.environments import Foraging
from koki2_envs.params import ForagingParams

_DATA = Path(__file__).parent / "data"

BASELINES = json.loads((_DATA / "baselines.json").read_text())
"""By variant: settings, number of lives, and by policy and metric a mean and its standard error."""


def load_transitions():
    """Single steps by variant: arrays with one row a step, by name."""
    variants = {}
    with np.load(_DATA / "transitions.npz", allow_pickle=False) as file:
        for path in file.files:
            variant, name = path.split("/")
            variants.setdefault(variant, {})[name] = file[path]
    return variants


def make_variant(variant):
    """The world of a variant, and its params."""
    settings = dict(BASELINES[variant]["settings"])
    env = Foraging(num_sources=settings.pop("num_sources", 1))
    knobs = {name: ramp(**value) if isinstance(value, dict) else value for name, value in settings.items()}
    return env, ForagingParams(**knobs)
