"""Registries of brains, genomes and strategies: by name, each with the class that implements it and its settings.

A registry also finds ``module:Class`` without any registration, so that a run directory which names a class of one's
own can be read wherever that module can be imported.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from koki2_envs.knobs import knob_fields
from koki2_envs.suggestions import did_you_mean
from koki2_train.experiment.brain_settings import GRUSettings, SpikingSettings
from koki2_train.experiment.sections import DirectSettings, OpenESSettings
from koki2_train.experiment.settings_base import Settings


@dataclass(frozen=True)
class Registration:
    """One entry of a registry.

    Attributes:
        target: ``module:Class`` of the implementation; imported when it is used.
        settings: the class of its settings.
    """

    target: str
    settings: type[Settings]


class Registry:
    """Implementations of one part of an experiment, by name.

    Attributes:
        part: what they are: ``brain``, ``genome`` or ``strategy``.
    """

    def __init__(self, part: str, **entries: Registration):
        self.part = part
        self._entries = dict(entries)

    def register(self, name: str, target: str, settings: type[Settings] = Settings) -> None:
        """Adds an implementation.

        Args:
            name: what it is called from now on; an identifier.
            target: ``module:Class`` of the implementation.
            settings: the class of its settings.

        Raises:
            ValueError: the name is invalid or taken, the target is not written ``module:Class``, or a setting shares
                its name but not its type with one that is registered.
        """
        if not name.isidentifier():
            raise ValueError(f"the name of a {self.part} must be an identifier, got {name!r}")
        if ":" not in target:
            raise ValueError(f"{self.part} {name!r}: its target must be written module:Class, got {target!r}")
        if self._entries.get(name, Registration(target, settings)) != Registration(target, settings):
            raise ValueError(f"{self.part} {name!r} is registered already, as {self._entries[name].target}")
        self._add(name, Registration(target, settings))

    def __getitem__(self, name: str) -> Registration:
        """The entry called ``name``, or the class that a ``module:Class`` names.

        Raises:
            ValueError: there is none; the message lists those that are registered.
        """
        if name in self._entries:
            return self._entries[name]
        if ":" not in name:
            known = list(self._entries)
            hint = did_you_mean(name, known)
            raise ValueError(f"unknown {self.part} {name!r}{hint}; there are {', '.join(known)}, or module:Class")
        found = Registration(name, load_class(self.part, name).settings_class)
        self._add(name, found)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def implementation(self, name: str) -> Any:
        """The class that implements the entry called ``name``, imported now.

        Raises:
            ValueError: it cannot be imported, or has other settings than those that it is registered with.
        """
        entry = self[name]
        found = load_class(self.part, entry.target)
        if found.settings_class is not entry.settings:
            registered, its = entry.settings.__name__, found.settings_class.__name__
            raise ValueError(f"{self.part} {name!r} is registered with {registered}, but {entry.target} has {its}")
        return found

    def fields(self) -> dict[str, Any]:
        """The fields of all settings of all entries, by name."""
        return {name: field for entry in self._entries.values() for name, field in knob_fields(entry.settings).items()}

    def _add(self, name: str, entry: Registration) -> None:
        known = self.fields()
        for setting, field in knob_fields(entry.settings).items():
            if setting in known and type(known[setting].default) is not type(field.default):
                kind = type(known[setting].default).__name__
                raise ValueError(f"{self.part} {name!r}: {setting} must be of type {kind}, as in other {self.part}s")
        self._entries[name] = entry


def load_class(part: str, target: str) -> Any:
    """Imports the class that ``module:Class`` names.

    Raises:
        ValueError: the module cannot be imported, or has no such class, or the class has no settings or
            lacks a method.
    """
    module, _, name = target.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:  # a module of somebody else's may raise anything
        raise ValueError(f"{part} {target!r} cannot be imported: {type(error).__name__}: {error}") from error
    settings = getattr(found, "settings_class", None)
    if not (isinstance(settings, type) and issubclass(settings, Settings)):
        raise ValueError(f"{part} {target!r} must have a settings_class derived from Settings, got {settings!r}")
    if missing := sorted(getattr(found, "__abstractmethods__", ())):
        raise ValueError(f"{part} {target!r} must define {', '.join(missing)}")
    return found


BRAINS = Registry(
    "brain",
    spiking=Registration("koki2_train.brains.spiking:SpikingBrain", SpikingSettings),
    gru=Registration("koki2_train.brains.gru:GRUBrain", GRUSettings),
)
GENOMES = Registry("genome", direct=Registration("koki2_train.genomes.direct:DirectGenome", DirectSettings))
STRATEGIES = Registry(
    "strategy", open_es=Registration("koki2_train.strategies.distribution_based:OpenES", OpenESSettings)
)
REGISTRIES = {registry.part: registry for registry in (BRAINS, GENOMES, STRATEGIES)}
DEFAULT_PARTS = {"brain": "spiking", "genome": "direct", "strategy": "open_es"}


@dataclass(frozen=True)
class Part:
    """A brain, genome or strategy as an experiment asks for it.

    Attributes:
        name: its name in the registry, or ``module:Class``.
        settings: its settings.
    """

    name: str
    settings: Any
