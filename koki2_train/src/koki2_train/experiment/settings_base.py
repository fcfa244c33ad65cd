"""Settings: the base class of the trainer's groups of settings, and how a field of one is declared."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from koki2_envs.knobs import Schedule, check_knob, choice, is_always, knob, knob_fields, spec_of
from koki2_envs.knobs.plain import from_plain, to_plain

_DYNAMIC = "koki2_dynamic"


def setting(default: Any, doc: str, *, group: str = "brain", dynamic: bool = False, **spec: Any) -> Any:
    """Declares a field of :class:`Settings`.

    Args:
        default: its value where none is given; its type (bool, int, float or str) is that of the setting.
        doc: one sentence.
        group: heading under which it is listed.
        dynamic: whether it is an input of compiled code: other values do not compile anew. Of brains alone.
        spec: ``unit``, ``low``, ``high`` and, of dynamic ones, ``scheduled`` and ``neutral``, as
            :func:`koki2_envs.knobs.knob` takes them.
    """
    field = knob(default, doc, group=group, **{"scheduled": False, **spec})
    return dataclasses.field(default=default, metadata={**field.metadata, _DYNAMIC: dynamic})


def choice_setting(choices: tuple[str, ...], doc: str, *, group: str = "brain") -> Any:
    """Declares a field of :class:`Settings` that selects one of several by name; the first is its default."""
    return choice(choices, doc, group=group)


@dataclass(frozen=True)
class Settings:
    """Base of a group of settings: a frozen dataclass whose fields are declared with :func:`setting`.

    Raises:
        TypeError: a value of another type; the message names the field.
        ValueError: a value outside the allowed range.
    """

    def __post_init__(self) -> None:
        for name, field in knob_fields(self).items():
            value = getattr(self, name)
            if not isinstance(value, bool | int | float | np.bool_ | np.number | str | Schedule):
                raise TypeError(f"{name} must be a number, got {value!r}")
            object.__setattr__(self, name, check_knob(name, value, field))

    def chosen(self, name: str) -> str:
        """The name of what a setting with choices selects."""
        named: str = spec_of(knob_fields(self)[name]).named(getattr(self, name))
        return named

    def dynamic(self) -> dict[str, Any]:
        """The values of the dynamic settings, by name: numbers and schedules."""
        return {name: getattr(self, name) for name in self.dynamic_fields()}

    def compiled(self) -> Self:
        """A copy in which what does not decide compiled code, the dynamic settings, has its default."""
        return dataclasses.replace(self, **{name: field.default for name, field in self.dynamic_fields().items()})

    def idle(self) -> tuple[tuple[str, float], ...]:
        """The dynamic settings whose feature is off, with their neutral values."""
        neutral = {name: spec_of(field).neutral for name, field in self.dynamic_fields().items()}
        return tuple(
            (name, value)
            for name, value in neutral.items()
            if value is not None and is_always(getattr(self, name), value)
        )

    @classmethod
    def dynamic_fields(cls) -> dict[str, dataclasses.Field[Any]]:
        """The fields of the dynamic settings, by name."""
        return {name: field for name, field in knob_fields(cls).items() if field.metadata.get(_DYNAMIC)}

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain data that JSON can hold; :meth:`from_dict` gives them back exactly."""
        return {name: spec_of(f).named(to_plain(getattr(self, name))) for name, f in knob_fields(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The settings from :meth:`to_dict`'s data; absent ones have their defaults."""
        return cls(**{name: from_plain(name, value) for name, value in data.items()})
