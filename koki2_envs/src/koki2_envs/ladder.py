"""The ladder: a table of rungs, each a row of data that names a world and its knobs. Importable without JAX.

Other people's rungs join the table with :func:`register_rung`, or are named ``module:NAME`` without joining it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from koki2_envs.knobs import knob_fields
from koki2_envs.params import (
    STRUCTURE,
    ForagingParams,
    HomeostasisParams,
    LotteryParams,
    MotivationParams,
    ObstaclesParams,
    SeasonsParams,
    Structure,
    ThreatsParams,
    WorldParams,
)
from koki2_envs.suggestions import did_you_mean


@dataclass(frozen=True)
class Rung:
    """One rung.

    Attributes:
        id: its name, such as ``L0.2``.
        title: what the world is.
        pressure: the one new pressure.
        world: ``module:class`` of the world.
        params: the class of its params.
        structure: the world's constructor arguments, which set array shapes.
        knobs: knobs that differ from the params' defaults.
        held_out: knobs that differ in the held-out variant of the world, which is kept for tests of generalisation;
            empty where there is no such variant.
        structure_specs: declarations of constructor arguments that are not among
            :data:`koki2_envs.params.STRUCTURE`, by name.
    """

    id: str
    title: str
    pressure: str
    world: str
    params: type[WorldParams]
    structure: Mapping[str, int] = field(default_factory=dict)
    knobs: Mapping[str, Any] = field(default_factory=dict)
    held_out: Mapping[str, Any] = field(default_factory=dict)
    structure_specs: Mapping[str, Structure] = field(default_factory=dict)

    @property
    def default_params(self) -> WorldParams:
        """The rung's knobs."""
        return self.params(**self.knobs)

    def structure_spec(self, name: str) -> Structure:
        """The declaration of a constructor argument: the rung's own, or that of :data:`koki2_envs.params.STRUCTURE`.

        Raises:
            TypeError: it is not declared.
        """
        known = {**STRUCTURE, **self.structure_specs}
        if name not in known:
            raise TypeError(f"{self.id}: structure argument {name!r} is not declared{did_you_mean(name, known)}")
        return known[name]

    def make(self, **structure: int) -> Any:
        """The rung's world, with other ``structure`` where given.

        Raises:
            TypeError, ValueError: an unknown argument, an invalid value, or a world that cannot be imported.
        """
        for name in structure:
            if name not in self.structure:
                knob = name in {f for f in dir(self.params) if not f.startswith("_")}
                hint = "; it is a knob: use params.replace" if knob else did_you_mean(name, list(self.structure))
                raise TypeError(f"{self.id} has no structure argument {name!r}{hint}")
        world = _imported(f"world of {self.id}", self.world)
        return world(self.id, self.default_params, **{**self.structure, **structure})

    def check(self) -> None:
        """Rejects an invalid row, without importing its world.

        Raises:
            TypeError, ValueError: the message names the rung and the entry.
        """
        if not self.id or ":" in self.id:
            raise ValueError(f"a rung's id must be a name without ':', got {self.id!r}")
        if not (isinstance(self.params, type) and issubclass(self.params, WorldParams)):
            raise TypeError(f"{self.id}: params must be a subclass of WorldParams, got {self.params!r}")
        known = knob_fields(self.params)
        for name in (*self.knobs, *self.held_out):
            if name not in known:
                raise ValueError(f"{self.id}: unknown knob {name!r}{did_you_mean(name, known)}")
        self.default_params.replace(**self.held_out)
        for name, value in self.structure.items():
            self.structure_spec(name).check(name, value)


_FORAGING = "koki2_envs.environments.foraging:Foraging"
_HARM: dict[str, Any] = {"num_bad_sources": 2, "bad_source_integrity_loss": 0.25}
_DEPLETE: dict[str, Any] = {**_HARM, "deplete_sources": True, "respawn_delay": 4}
_OBSTACLES = "koki2_envs.environments.obstacles:Obstacles"
_NEEDS = "koki2_envs.environments.homeostasis:Homeostasis"
_TWO_NEEDS: dict[str, Any] = {
    "width": 16, "height": 16, "max_steps_in_episode": 256, "deplete_sources": True, "respawn_delay": 4,
    "energy_decay": 0.0125, "energy_gain": 0.2, "hydration_decay": 0.0125, "water_gain": 0.2,
}  # fmt: skip
_THREATS = "koki2_envs.environments.threats:Threats"
_EXPOSED: dict[str, Any] = {
    "max_steps_in_episode": 192, "deplete_sources": True, "respawn_delay": 4, "energy_gain": 0.2,
    "integrity_healing": 0.005,
}  # fmt: skip
_STORMS: dict[str, Any] = {
    **_EXPOSED, "width": 32, "energy_decay": 0.012, "storm_integrity_loss": 0.06, "storm_calm_min": 8,
    "storm_calm_max": 16, "storm_steps": 12,
}  # fmt: skip
_LOTTERY = "koki2_envs.environments.lottery:Lottery"
_VALENCES: dict[str, Any] = {
    "width": 10, "height": 10, "max_steps_in_episode": 256, "num_feeding": 2, "smell_law": "nearness",
    "deplete_sources": True, "respawn_delay": 4, "energy_decay": 0.005, "energy_gain": 0.1,
    "bad_source_integrity_loss": 0.05, "integrity_healing": 0.01, "survival_reward": 0.0, "success_bonus": 0.0,
    "harm_cost": 10.0,
}  # fmt: skip

RUNGS: dict[str, Rung] = {
    rung.id: rung
    for rung in (
        Rung("L0.0", "64×1, one source", "climb a gradient", _FORAGING, ForagingParams, {"num_sources": 1}),
        Rung(
            "L0.1", "16×16, one source", "in two dimensions", _FORAGING, ForagingParams, {"num_sources": 1},
            {"width": 16, "height": 16},
        ),
        Rung(
            "L0.2", "64×1, 4 sources, 2 of them bad", "same smell, different consequence", _FORAGING, ForagingParams,
            {"num_sources": 4}, _HARM,
        ),
        Rung(
            "L1.0", "L0.2 with sources that deplete and come back elsewhere", "what you ate is gone", _FORAGING,
            ForagingParams, {"num_sources": 4}, _DEPLETE,
        ),
        Rung(
            "L1.1", "L1.0 with a gradient that is silent half of the time", "the sense comes and goes", _FORAGING,
            ForagingParams, {"num_sources": 4}, {**_DEPLETE, "grad_dropout_p": 0.5},
        ),
        Rung(
            "L1.2", "16×16, 3 sources, 3 walls with a door each", "the straight way is blocked", _OBSTACLES,
            ObstaclesParams, {"num_sources": 3, "num_walls": 3},
            {
                "width": 16, "height": 16, "max_steps_in_episode": 256, "deplete_sources": True, "respawn_delay": 4,
                "energy_decay": 0.0125, "energy_gain": 0.2,
            },
        ),
        Rung(
            "L2.0", "16×16, food at one side, water at the other", "two needs, two places", _NEEDS, HomeostasisParams,
            {"num_sources": 3, "num_water": 3}, {**_TWO_NEEDS, "layout_uniform": 0.0, "layout_opposite": 1.0},
        ),
        Rung(
            "L2.1", "L2.0 with 6 waters, 3 of them salty", "what helps one need harms another", _NEEDS,
            HomeostasisParams, {"num_sources": 3, "num_water": 6},
            {**_TWO_NEEDS, "layout_uniform": 0.0, "layout_opposite": 1.0, "num_salty": 3},
        ),
        Rung(
            "L2.2", "L2.1 with layouts that shift between lives", "do not memorise the map", _NEEDS,
            HomeostasisParams, {"num_sources": 3, "num_water": 6},
            {**_TWO_NEEDS, "layout_clustered": 1.0, "layout_shifts": True, "num_salty": 3},
            held_out={"layout_uniform": 0.0, "layout_clustered": 0.0, "layout_opposite": 1.0},
        ),
        Rung(
            "L3.0", "16×16, 4 sources, 5 zones that hurt", "a place that hurts", _THREATS, ThreatsParams,
            {"num_sources": 4, "num_zones": 5, "num_shelters": 1},
            {**_EXPOSED, "width": 16, "height": 16, "energy_decay": 0.016, "zone_integrity_loss": 0.08},
        ),
        Rung(
            "L3.1", "32×1, 4 sources, storms and 3 shelters", "act on the warning", _THREATS, ThreatsParams,
            {"num_sources": 4, "num_zones": 1, "num_shelters": 3}, _STORMS,
        ),
        Rung(
            "L3.2", "L3.1 with cues that mislead, and a decoy", "weigh the warning", _THREATS, ThreatsParams,
            {"num_sources": 4, "num_zones": 1, "num_shelters": 3},
            {**_STORMS, "cue_validity_low": 0.8, "false_alarm_p": 0.25, "cue_jitter": 3, "decoy_p": 0.1},
            held_out={"cue_validity_low": 0.3, "cue_validity_high": 0.5},
        ),
        Rung(
            "L4.0", "32×32, 6 sources, sensed within 6 cells", "search and remember", _FORAGING, ForagingParams,
            {"num_sources": 6},
            {
                "width": 32, "height": 32, "max_steps_in_episode": 512, "deplete_sources": True, "respawn_delay": 4,
                "energy_init": 0.5, "energy_decay": 0.005, "energy_gain": 0.2, "sense_radius": 6.0,
            },
        ),
        Rung(
            "L4.1", "10×10, two foods, of which one feeds until the season turns", "notice and switch",
            "koki2_envs.environments.seasons:Seasons", SeasonsParams, {"num_sources": 3, "num_second": 3},
            {
                "width": 10, "height": 10, "max_steps_in_episode": 256, "deplete_sources": True, "respawn_delay": 4,
                "energy_decay": 0.02, "energy_gain": 0.2, "season_phi_low": 0.4, "season_phi_high": 0.6,
                "energy_reward": 0.0, "success_bonus": 0.0,
            },
            held_out={"season_phi_low": 0.2, "season_phi_high": 0.3},
        ),
        Rung(
            "L4.2", "18×1, food and water; one matters first, the other later", "follow the body",
            "koki2_envs.environments.motivation:Motivation", MotivationParams, {"num_sources": 3, "num_water": 3},
            {
                **_TWO_NEEDS, "width": 18, "height": 1, "layout_uniform": 0.0, "layout_opposite": 1.0,
                "layout_spread": 8, "respawn_delay": 8, "energy_gain": 0.08, "water_gain": 0.08,
                "hydration_drive_weight": 0.0, "energy_drive_weight_after": 0.0, "switch_phi_low": 0.25,
                "switch_phi_high": 0.75, "drive_cost": 2.0, "energy_reward": 0.0, "hydration_reward": 0.0,
                "success_bonus": 0.0,
            },
        ),
        Rung(
            "L5.0", "10×10, 4 smells, of which 2 feed; which ones is drawn for each life", "learn within a life",
            _LOTTERY, LotteryParams, {"num_smells": 4, "sources_per_smell": 2}, _VALENCES,
        ),
        Rung(
            "L5.1", "L5.0 with one reversal: what fed harms, what harmed feeds", "unlearn within a life", _LOTTERY,
            LotteryParams, {"num_smells": 4, "sources_per_smell": 2},
            {**_VALENCES, "feeding_sets": "unlike", "reversal_phi_low": 0.4, "reversal_phi_high": 0.6},
            held_out={"feeding_sets": "alike", "reversal_phi_low": 0.2, "reversal_phi_high": 0.3},
        ),
    )
}  # fmt: skip


def register_rung(rung: Rung) -> Rung:
    """Adds a rung to the ladder, and so also to Gymnax's registry, as ``<id>-koki2``. A second time does nothing.

    Args:
        rung: the row. Its ``world`` is imported when the world is made.

    Returns:
        The same rung, so that a module can declare and register it in one statement.

    Raises:
        TypeError: not a rung, or one with an undeclared structure argument or params of another kind.
        ValueError: another rung has this id, or the row is invalid (see :meth:`Rung.check`).
    """
    if not isinstance(rung, Rung):
        raise TypeError(f"register_rung takes a Rung, got {rung!r}")
    rung.check()
    if RUNGS.get(rung.id, rung) != rung:
        raise ValueError(f"there already is another rung {rung.id!r}: {RUNGS[rung.id].title}")
    RUNGS[rung.id] = rung
    gymnax = sys.modules.get("gymnax")
    if hasattr(gymnax, "registration"):  # else the hook on its import registers all rungs
        register(gymnax)
    return rung


def rung(name: str) -> Rung:
    """The rung called ``name`` (``L0.2``), or the one that is the attribute NAME of a module (``module:NAME``).

    Raises:
        ValueError: there is no such rung, or the module cannot be imported or has no such attribute; the message lists
            the names that exist.
        TypeError: not a name, or the attribute is not a :class:`Rung`.
    """
    if not isinstance(name, str):
        raise TypeError(f"a rung is called by its name, such as 'L0.2', got {name!r}")
    if ":" in name:
        row = _imported("rung", name)
        if not isinstance(row, Rung):
            raise TypeError(f"rung {name!r} must be a Rung, got {row!r}")
        row.check()
        return row
    if name not in RUNGS:
        raise ValueError(
            f"unknown rung {name!r}{did_you_mean(name, RUNGS)}; rungs are {', '.join(RUNGS)}, or module:NAME"
        )
    return RUNGS[name]


def make(name: str, **structure: int) -> tuple[Any, Any]:
    """Makes a rung's world.

    Args:
        name: the rung, such as ``L0.2``, or ``module:NAME`` (see :func:`rung`).
        structure: constructor arguments that set array shapes, such as ``num_sources=6``.

    Returns:
        The environment and its default params, as ``gymnax.make`` does. They are the rung's; where ``structure`` leaves
        fewer things than they count, ``replace`` that knob before a life begins.

    Raises:
        ValueError, TypeError: an unknown rung or argument, or an invalid value; the message names it.
    """
    env = rung(name).make(**structure)
    return env, env.default_params


def register(gymnax: Any) -> None:
    """Registers every rung in Gymnax's own registry, as ``L0.2-koki2``; a second time does nothing."""
    registry = gymnax.registration
    for row in RUNGS.values():
        env_id = f"{row.id}-koki2"
        if env_id not in registry.registered_envs:
            registry.register(env_id, row.make)


def ladder_table() -> str:
    """The ladder as a Markdown table: rung, world, pressure. ``python -m koki2_envs`` prints it."""
    rows = [f"| {row.id} | {row.title} | {row.pressure} |" for row in RUNGS.values()]
    return "\n".join(["| rung | world | the one new pressure |", "|---|---|---|", *rows])


def _imported(what: str, reference: str) -> Any:
    """The object ``module:NAME``.

    Raises:
        ValueError: not of this form, or it cannot be imported; the message begins with ``what``.
    """
    module_name, _, name = reference.partition(":")
    if not module_name or not name:
        raise ValueError(f"{what} must be given as module:NAME, got {reference!r}")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise ValueError(
            f"{what} {reference!r}: importing {module_name!r} failed: {type(error).__name__}: {error}"
        ) from error
    if not hasattr(module, name):
        raise ValueError(f"{what} {reference!r}: {module_name!r} has no {name!r}{did_you_mean(name, dir(module))}")
    return getattr(module, name)
