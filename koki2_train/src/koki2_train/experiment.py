"""One experiment as a frozen dataclass, and how it is put together from named settings. Importable without JAX."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from koki2_envs.knob_data import from_dict, to_dict
from koki2_envs.knobs import Schedule, did_you_mean, knob_fields, spec_of
from koki2_envs.ladder import RUNGS, Rung, rung
from koki2_envs.nursing import adult, nurse, parse_nursing
from koki2_envs.params import STRUCTURE, WorldParams
from koki2_train.config import BrainConfig, EvolutionConfig, MVTConfig, ValidationConfig

if TYPE_CHECKING:
    from koki2_train.training import Program

SECTIONS = {"brain": BrainConfig, "evolution": EvolutionConfig, "mvt": MVTConfig, "validation": ValidationConfig}
ALIASES = {"steps": "max_steps_in_episode"}
"""Shorter names under which settings are also known."""
NURSING = "nursing"
"""The setting that makes schedules of other settings: strengths by the names of :data:`koki2_envs.nursing.NURSING`."""


@dataclass(frozen=True)
class Experiment:
    """Everything that decides a run's bits, except its seed.

    Attributes:
        rung: name of the rung.
        structure: the world's constructor arguments, sorted by name.
        params: the world's knobs.
        brain: the spiking network and its genome.
        evolution: the search and its budget.
        mvt: the viability test.
        validation: how the champion is chosen.
    """

    rung: str
    structure: tuple[tuple[str, int], ...]
    params: WorldParams
    brain: BrainConfig
    evolution: EvolutionConfig
    mvt: MVTConfig
    validation: ValidationConfig

    def __post_init__(self) -> None:
        best, size = self.validation.validation_top, self.evolution.pop_size
        if best > size:
            raise ValueError(f"validation_top must be at most pop_size = {size}, got {best}")

    @classmethod
    def build(cls, rung_name: str, settings: Mapping[str, Any] | None = None) -> Self:
        """The rung with other settings where given.

        Args:
            rung_name: a rung of the ladder.
            settings: values by name, of whichever part of the experiment; names are unique over all parts. Where
                ``energy_decay`` is neither among them nor among the rung's knobs it becomes energy_init/steps: one full
                life without food. Last of all, ``nursing`` protects childhood in the world that results.

        Raises:
            ValueError, TypeError: an unknown rung or setting, or a value that cannot be, by name.
        """
        row = rung(rung_name)
        settings = {ALIASES.get(name, name): value for name, value in (settings or {}).items()}
        nursing = settings.pop(NURSING, {})
        known = {**setting_fields(row), **dict.fromkeys((*row.structure, NURSING))}
        for name in settings:
            if name not in known:
                elsewhere = name in all_setting_names()
                hint = f"; {row.id} has none" if elsewhere else did_you_mean(name, known)
                raise ValueError(f"unknown setting {name!r}{hint}")

        def chosen(section: Any) -> dict[str, Any]:
            return {name: settings[name] for name in knob_fields(section) if name in settings}

        structure = {**row.structure, **{name: settings[name] for name in row.structure if name in settings}}
        return cls(
            rung=row.id,
            structure=tuple(sorted(structure.items())),
            params=nurse(_params(row, chosen(row.params), structure), nursing),
            **{name: section(**chosen(section)) for name, section in SECTIONS.items()},
        )

    def to_dict(self) -> dict[str, Any]:
        """The experiment as plain data; :meth:`from_dict` gives it back exactly."""
        sections = {name: dataclasses.asdict(getattr(self, name)) for name in SECTIONS}
        return {"rung": self.rung, "structure": dict(self.structure), "world": to_dict(self.params), **sections}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The experiment from :meth:`to_dict`'s data."""
        sections = {name: section(**data[name]) for name, section in SECTIONS.items()}
        row = rung(data["rung"])
        if data["structure"].keys() != row.structure.keys():
            raise ValueError(f"{row.id} has the structure {sorted(row.structure)}, got {sorted(data['structure'])}")
        structure = {name: STRUCTURE[name].check(name, data["structure"][name]) for name in sorted(row.structure)}
        return cls(row.id, tuple(structure.items()), from_dict(row.params, data["world"]), **sections)

    def settings(self) -> dict[str, Any]:
        """All settings by name, as :meth:`build` takes them."""
        parts = [self.params, *(getattr(self, name) for name in SECTIONS)]
        return dict(self.structure) | {name: getattr(part, name) for part in parts for name in knob_fields(part)}

    def with_settings(self, settings: Mapping[str, Any]) -> Self:
        """A copy with other settings where given, checked as in :meth:`build`; nothing else changes."""
        return type(self).build(self.rung, {**self.settings(), **{ALIASES.get(k, k): v for k, v in settings.items()}})

    def adult(self) -> Self:
        """A copy in the world of adults, without nursing: every schedule at its end."""
        return dataclasses.replace(self, params=adult(self.params))

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

    def make_world(self) -> Any:
        """The world, with this experiment's structure and checked against its params."""
        env = rung(self.rung).make(**dict(self.structure))
        env.check_params(self.params)
        return env

    def program(self, num_devices: int | None = None) -> Program:
        """The static description that training and evaluation compile (imports JAX).

        Args:
            num_devices: over how many devices genomes are spread; all of them where None.
        """
        from koki2_train.brains import DenseSynapses, SparseSynapses, SpikingBrain
        from koki2_train.evaluation import Task, population_mesh
        from koki2_train.genomes import DirectEncoding
        from koki2_train.training import Program

        env, brain = self.make_world(), self.brain
        encoding = DirectEncoding(
            num_neurons=brain.n_neurons,
            k_edges=brain.k_edges,
            observation_sizes=env.observation_sizes if brain.scale_senses else (1.0,) * len(env.observation_names),
            num_actions=env.num_actions,
            topology_seed=brain.topology_seed,
            init_scale=brain.init_scale,
            synapses=SparseSynapses if brain.is_sparse else DenseSynapses,
        )
        task = Task(
            env=env,
            brain=SpikingBrain(brain.n_neurons, brain.tau_m, brain.theta),
            encoding=encoding,
            idle=self.params.idle_knobs(),
            mesh=population_mesh(num_devices),
        )
        # How many generations there are is no part of the compiled code: programs that differ only in it are equal.
        evolution = dataclasses.replace(self.evolution, generations=1)
        return Program(task, evolution, self.mvt, self.validation, self.params.max_steps_in_episode)


def setting_fields(row: Rung) -> dict[str, dataclasses.Field[Any]]:
    """The fields of all settings of a rung but its structure, by name."""
    return {name: field for part in (row.params, *SECTIONS.values()) for name, field in knob_fields(part).items()}


def all_setting_names() -> set[str]:
    """Every setting of every rung."""
    return {NURSING, *(name for row in RUNGS.values() for name in (*setting_fields(row), *row.structure))}


def join_settings(settings: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Both, ``more`` winning; of ``nursing``, by the presets' names."""
    joined = {**settings, **more}
    if NURSING in settings and NURSING in more:
        joined[NURSING] = {**settings[NURSING], **more[NURSING]}
    return joined


def parse_setting(name: str, text: str) -> Any:
    """Reads a setting's value as it is written on a command line.

    Numbers, ``true``/``false``, schedules as ``start:end@from:to`` or ``start:end`` (over the whole life), and
    ``nursing`` as ``name:strength+name:strength``.

    Args:
        name: the setting.
        text: its value.

    Raises:
        ValueError: an unknown setting, or text that is no such value; the message names both.
    """
    name = ALIASES.get(name, name)
    if name == NURSING:
        return parse_nursing(text)
    fields = {n: f for row in RUNGS.values() for n, f in setting_fields(row).items()}
    if name in STRUCTURE:
        return _number(name, text, int)
    if name not in fields:
        raise ValueError(f"unknown setting {name!r}{did_you_mean(name, sorted(all_setting_names()))}")
    kind, field = type(fields[name].default), fields[name]
    if ":" in text:
        if not spec_of(field).scheduled:
            raise ValueError(f"{name} cannot be a schedule, got {text!r}")
        return _schedule(name, text)
    if kind is bool:
        words = {
            "true": True,
            "1": True,
            "yes": True,
            "on": True,
            "false": False,
            "0": False,
            "no": False,
            "off": False,
        }
        if text.lower() not in words:
            raise ValueError(f"{name} must be true or false, got {text!r}")
        return words[text.lower()]
    return _number(name, text, kind)


def _params(row: Rung, chosen: Mapping[str, Any], structure: Mapping[str, int]) -> WorldParams:
    params: Any = row.default_params.replace(**chosen)
    if "energy_decay" in knob_fields(params) and not {"energy_decay"} & {*chosen, *row.knobs}:
        initial = params.energy_init
        at_birth = initial.start if isinstance(initial, Schedule) else initial
        params = params.replace(energy_decay=at_birth / params.max_steps_in_episode)
    for name, value in structure.items():
        STRUCTURE[name].check_holds(name, STRUCTURE[name].check(name, value), params)
    return params


def _schedule(name: str, text: str) -> Schedule:
    values, separator, phases = text.partition("@")
    parts = [*values.split(":"), *(phases.split(":") if separator else ("0", "1"))]
    try:
        start, end, from_phi, to_phi = (float(part) for part in parts)
    except ValueError:
        raise ValueError(f"{name} must be a number or a schedule start:end@from:to, got {text!r}") from None
    try:
        return Schedule(start, end, from_phi, to_phi)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _number(name: str, text: str, kind: type) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{name} must be {'a whole number' if kind is int else 'a number'}, got {text!r}") from None
