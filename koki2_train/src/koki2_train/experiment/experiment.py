"""Experiments and trials: what is run, as plain data. Importable without JAX."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from koki2_envs.knobs import Schedule, knob_fields
from koki2_envs.knobs.plain import from_dict, to_dict
from koki2_envs.ladder import Rung, rung
from koki2_envs.nursing import with_nursing, without_nursing
from koki2_envs.params import WorldParams
from koki2_train.experiment.brain_nursing import BRAIN_NURSING, with_brain_nursing
from koki2_train.experiment.registration import DEFAULT_PARTS, REGISTRIES, Part
from koki2_train.experiment.sections import EvolutionSettings, ValidationSettings, ViabilitySettings
from koki2_train.experiment.settings import NURSING, SECTIONS, by_full_name, read_setting, reject_unknown, rung_settings


@dataclass(frozen=True)
class Experiment:
    """Everything that decides a run's bits, except its seed.

    Attributes:
        rung: name of the rung.
        structure: the world's constructor arguments, sorted by name.
        params: the world's knobs.
        brain: what acts and learns within a life.
        genome: what evolves, and how it develops into the brain's weights.
        strategy: the search.
        evolution: its budget.
        mvt: the viability test.
        validation: how the champion is chosen.
    """

    rung: str
    structure: tuple[tuple[str, int], ...]
    params: WorldParams
    brain: Part
    genome: Part
    strategy: Part
    evolution: EvolutionSettings
    mvt: ViabilitySettings
    validation: ValidationSettings

    def __post_init__(self) -> None:
        best, size = self.validation.validation_top, self.evolution.pop_size
        if best > size:
            raise ValueError(f"validation_top must be at most pop_size = {size}, got {best}")

    @classmethod
    def build(cls, rung_name: str, settings: Mapping[str, Any] | None = None, /, **more: Any) -> Self:
        """The rung with other settings where given.

        Args:
            rung_name: a rung of the ladder, or ``module:NAME`` of a custom one.
            settings: values by name, of any part of the experiment, in any form that
                :func:`koki2_train.experiment.settings.read_setting` takes; names are unique over all parts. ``brain``,
                ``genome`` and ``strategy`` name the implementation, and decide which other settings there are. Where
                ``energy_decay`` is neither given nor among the rung's knobs it becomes energy_init/steps: one full life
                without food. Last of all, ``nursing`` protects childhood in the world, and the brain, that
                result.
            more: the same, as keywords.

        Raises:
            ValueError, TypeError: an unknown rung or setting, one that is given twice, or an invalid value, by name.
        """
        row = rung(rung_name)
        settings = by_full_name([*(settings or {}).items(), *more.items()])
        nursing = read_setting(NURSING, settings.pop(NURSING, {}))
        names = {part: _part_name(part, settings.pop(part, default)) for part, default in DEFAULT_PARTS.items()}
        rung_settings(row)
        reject_unknown(row, names, settings)
        settings = {name: read_setting(name, value) for name, value in settings.items()}

        def chosen(section: Any) -> dict[str, Any]:
            return {name: settings[name] for name in knob_fields(section) if name in settings}

        def part(kind: str) -> Part:
            section = REGISTRIES[kind][names[kind]].settings
            return Part(names[kind], section(**chosen(section)))

        parts: dict[str, Any] = {kind: part(kind) for kind in DEFAULT_PARTS}
        of_brain = {name: nursing.pop(name) for name in BRAIN_NURSING if name in nursing}
        parts["brain"] = dataclasses.replace(
            parts["brain"], settings=with_brain_nursing(parts["brain"].settings, of_brain)
        )
        sections: dict[str, Any] = {name: section(**chosen(section)) for name, section in SECTIONS.items()}

        structure = {**row.structure, **{name: settings[name] for name in row.structure if name in settings}}
        return cls(
            rung=rung_name,
            structure=tuple(sorted(structure.items())),
            params=with_nursing(_params(row, chosen(row.params), structure), nursing),
            **parts,
            **sections,
        )

    def to_dict(self) -> dict[str, Any]:
        """The experiment as plain data; :meth:`from_dict` gives it back exactly."""
        parts = {kind: _part_to_dict(getattr(self, kind)) for kind in DEFAULT_PARTS}
        sections = {name: getattr(self, name).to_dict() for name in SECTIONS}
        return {
            "rung": self.rung,
            "structure": dict(self.structure),
            "world": to_dict(self.params),
            **parts,
            **sections,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The experiment from :meth:`to_dict`'s data."""
        parts: dict[str, Any] = {kind: _part_from_dict(kind, data[kind]) for kind in DEFAULT_PARTS}
        sections: dict[str, Any] = {name: section.from_dict(data[name]) for name, section in SECTIONS.items()}
        row = rung(data["rung"])
        if data["structure"].keys() != row.structure.keys():
            raise ValueError(f"{row.id} has the structure {sorted(row.structure)}, got {sorted(data['structure'])}")
        structure = {
            name: row.structure_spec(name).check(name, data["structure"][name]) for name in sorted(row.structure)
        }
        return cls(data["rung"], tuple(structure.items()), from_dict(row.params, data["world"]), **parts, **sections)

    def settings(self) -> dict[str, Any]:
        """All settings by name, as :meth:`build` takes them."""
        names = {kind: getattr(self, kind).name for kind in DEFAULT_PARTS}
        groups = [self.params, *(getattr(self, kind).settings for kind in DEFAULT_PARTS)]
        groups += [getattr(self, name) for name in SECTIONS]
        values = {name: getattr(group, name) for group in groups for name in knob_fields(group)}
        return names | dict(self.structure) | values

    def with_settings(self, settings: Mapping[str, Any]) -> Self:
        """A copy with other settings where given, checked as in :meth:`build`; nothing else changes.

        Another brain, genome or strategy has its own defaults: it inherits no settings from the one that it replaces.
        """
        current, changes = self.settings(), by_full_name(settings.items())
        for kind in DEFAULT_PARTS:
            if changes.get(kind, current[kind]) != current[kind]:
                for name in knob_fields(getattr(self, kind).settings):
                    del current[name]
        return type(self).build(self.rung, {**current, **changes})

    def without_nursing(self) -> Self:
        """A copy in the world of adults: every schedule at its end."""
        return dataclasses.replace(self, params=without_nursing(self.params))

    @property
    def env_steps_per_generation(self) -> int:
        """World steps spent on one generation's lives and viability tests."""
        short = self.mvt.mvt_episodes * self.mvt.mvt_steps if self.mvt.mvt else 0
        return self.evolution.pop_size * (self.evolution.episodes * self.params.max_steps_in_episode + short)

    def env_steps(self, generations: int) -> int:
        """World steps spent on a number of generations and the validations between them."""
        validation = self.validation
        lives = (1 + validation.validation_top) * validation.validation_episodes
        validations = generations // validation.validate_every
        return generations * self.env_steps_per_generation + validations * lives * self.params.max_steps_in_episode

    def env_steps_of_run(self, generations: int) -> int:
        """World steps spent on a whole run: :meth:`env_steps`, and the validation of the strategy's last candidate."""
        last = self.validation.validation_episodes * self.params.max_steps_in_episode
        return self.env_steps(generations) + last

    def make_world(self) -> Any:
        """The world, with this experiment's structure and checked against its params (imports JAX)."""
        env = rung(self.rung).make(**dict(self.structure))
        env.check_params(self.params)
        return env


@dataclass(frozen=True)
class Trial:
    """One run's identity: an experiment and a seed.

    Attributes:
        experiment: what is run.
        seed: the seed of all its random numbers.
    """

    experiment: Experiment
    seed: int

    def __post_init__(self) -> None:
        if isinstance(self.seed, bool) or not isinstance(self.seed, int | np.integer):
            raise TypeError(f"seed must be a whole number, got {self.seed!r}")
        if not 0 <= self.seed <= _LARGEST_SEED:
            raise ValueError(f"seed must be 0 to {_LARGEST_SEED}, got {self.seed}")
        object.__setattr__(self, "seed", int(self.seed))

    @property
    def generations(self) -> int:
        """How many generations it has."""
        return self.experiment.evolution.generations

    def with_generations(self, generations: int) -> Self:
        """A copy with another number of generations."""
        return dataclasses.replace(self, experiment=self.experiment.with_settings({"generations": generations}))

    def to_dict(self) -> dict[str, Any]:
        """The trial as plain data; :meth:`from_dict` gives it back exactly."""
        return {"format": _FORMAT, "experiment": self.experiment.to_dict(), "seed": self.seed}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The trial from :meth:`to_dict`'s data.

        Raises:
            ValueError, TypeError, KeyError, AttributeError: it is not such data, or of another format.
        """
        if data.get("format") != _FORMAT:
            raise ValueError(f"it has format {data.get('format')}, this version reads {_FORMAT}")
        return cls(Experiment.from_dict(data["experiment"]), data["seed"])

    def difference(self, other: Trial) -> tuple[str, Any, Any] | None:
        """The first setting in which ``other`` differs, with this value and the other's; None where there is none.

        The number of generations does not count: it is where a run stops, and decides no bits before.
        """
        if other.seed != self.seed:
            return "seed", self.seed, other.seed
        if other.experiment.rung != self.experiment.rung:
            return "rung", self.experiment.rung, other.experiment.rung
        mine, theirs = self.experiment.settings(), other.experiment.settings()
        for name in (*mine, *theirs):
            if name != "generations" and mine.get(name) != theirs.get(name):
                return name, mine.get(name), theirs.get(name)
        return None


_FORMAT = 2
_LARGEST_SEED = 2**32 - 1  # the random generator would cut off the bits of a larger one


def _params(row: Rung, chosen: Mapping[str, Any], structure: Mapping[str, int]) -> WorldParams:
    params: Any = row.default_params.replace(**chosen)
    if "energy_decay" in knob_fields(params) and not {"energy_decay"} & {*chosen, *row.knobs}:
        initial = params.energy_init
        if isinstance(initial, Schedule):
            initial = initial.start if initial.from_phi < initial.to_phi else initial.end
        params = params.replace(energy_decay=initial / params.max_steps_in_episode)
    for name, value in structure.items():
        spec = row.structure_spec(name)
        spec.check_holds(name, spec.check(name, value), params)
    return params


def _part_name(part: str, name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"{part} must be a name, got {name!r}")
    return name


def _part_to_dict(part: Part) -> dict[str, Any]:
    return {"name": part.name, "settings": part.settings.to_dict()}


def _part_from_dict(kind: str, data: Mapping[str, Any]) -> Part:
    return Part(data["name"], REGISTRIES[kind][data["name"]].settings.from_dict(data["settings"]))
