"""Settings: the base class of the trainer's groups of settings, and how a field of one is declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from koki2_envs.knobs import check_knob, knob, knob_fields


def setting(default: Any, doc: str, *, group: str = "brain", **spec: Any) -> Any:
    """Declares a field of :class:`Settings`.

    Args:
        default: its value where none is given; its type (bool, int or float) is that of the setting.
        doc: one sentence.
        group: heading under which it is listed.
        spec: ``unit``, ``low`` and ``high``, as :func:`koki2_envs.knobs.knob` takes them.
    """
    return knob(default, doc, group=group, scheduled=False, **spec)


@dataclass(frozen=True)
class Settings:
    """Base of a group of settings: a frozen dataclass whose fields are declared with :func:`setting`.

    Raises:
        TypeError: a value of another type; the message names the field.
        ValueError: a value outside the allowed range.
    """

    def __post_init__(self) -> None:
        for name, field in knob_fields(self).items():
            if not isinstance(getattr(self, name), bool | int | float | np.bool_ | np.number):
                raise TypeError(f"{name} must be a number, got {getattr(self, name)!r}")
            object.__setattr__(self, name, check_knob(name, getattr(self, name), field))
