"""Structure: constructor arguments of worlds, which set array shapes. Importable without JAX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from koki2_envs.knobs import KnobSpec, check_number, known_number


@dataclass(frozen=True)
class Structure:
    """A constructor argument that sets array shapes.

    Attributes:
        spec: what is known of it.
        holds: the knob that counts things of which there are at most this many, if any.
    """

    spec: KnobSpec
    holds: str | None = None

    def check(self, name: str, value: Any) -> int:
        """Rejects an invalid value, and returns a valid one as an int.

        Raises:
            TypeError, ValueError: by name.
        """
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise TypeError(f"{name} must be a whole number, got {value!r}")
        check_number(name, value, self.spec)
        return int(value)

    def check_holds(self, name: str, value: int, params: Any) -> None:
        """Rejects params that count more things than there are.

        Raises:
            ValueError: by name.
        """
        held = known_number(getattr(params, self.holds)) if self.holds else None
        if held is not None and held > value:
            raise ValueError(f"{self.holds} must be at most {name} = {value}, got {held}")


def _count(doc: str, holds: str | None = None, *, low: int = 1, high: int = 1024, group: str = "sources") -> Structure:
    return Structure(KnobSpec(doc, low=low, high=high, group=group, scheduled=False), holds)


STRUCTURE: dict[str, Structure] = {
    "num_sources": _count("how many sources there are", "num_bad_sources"),
    "num_water": _count("how many waters there are", "num_salty"),
    "num_second": _count("how many sources of the second food there are"),
    "num_smells": _count("how many smells there are", "num_feeding", low=2),
    "sources_per_smell": _count("how many sources have each smell"),
    "num_walls": _count("how many walls divide the world", high=7, group="world"),
    "num_zones": _count("how many zones that hurt there are", group="threats"),
    "num_shelters": _count("how many shelters there are", group="threats"),
}
"""Every structure argument of every world, by name."""
