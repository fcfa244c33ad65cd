"""Nursing: named presets that protect a childhood by turning a few knobs into schedules. Worlds have no code for it.

Importable without JAX.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from koki2_envs.knobs import KnobSpec, Schedule, check_number, is_abstract, is_always, knob_fields
from koki2_envs.params import WorldParams
from koki2_envs.suggestions import did_you_mean

T = TypeVar("T")
ParamsT = TypeVar("ParamsT", bound=WorldParams)

CHILDHOOD_ENDS = 0.5
"""Phase φ from which every knob has its adult value."""
COMBINED = "combined"
"""Names all of the presets that act in a world."""

_STRENGTH = KnobSpec("", low=0.0, high=1.0)


@dataclass(frozen=True)
class Easing:
    """How nursing at full strength changes one knob at birth.

    Attributes:
        knob: its name.
        full: the value at birth under strength 1, as a function of the adult value.
        needs: knobs of which one must be there, and not 0, for this one to matter; where there are none it always does.
    """

    knob: str
    full: Callable[[float], float]
    needs: tuple[str, ...] = ()

    def acts_on(self, params: Any) -> bool:
        """Whether these params have the knob, and at a value at which nursing changes it."""
        if self.knob not in knob_fields(params):
            return False
        if self.needs and all(is_always(getattr(params, name, 0), 0) for name in self.needs):
            return False
        grown = _end(getattr(params, self.knob))
        return not is_always(grown, self.full(grown))


@dataclass(frozen=True)
class Preset:
    """A named way of nursing.

    Attributes:
        doc: one sentence.
        easings: the knobs that it eases.
    """

    doc: str
    easings: tuple[Easing, ...]


def _nothing(adult: float) -> float:
    return 0.0


def _everything(adult: float) -> float:
    return 1.0


def threefold(adult: float) -> float:
    """Three times the adult value."""
    return 3.0 * adult


NURSING: dict[str, Preset] = {
    "energetic_buffer": Preset(
        "the body's needs grow from nothing, and it is born full",
        (
            Easing("energy_decay", _nothing),
            Easing("energy_init", _everything),
            Easing("hydration_decay", _nothing),
            Easing("hydration_init", _everything),
        ),
    ),
    "rich_nursery": Preset(
        "food and water give three times as much at first",
        (Easing("energy_gain", threefold), Easing("water_gain", threefold)),
    ),
    "risk_gating": Preset(
        "what harms does no harm at first",
        (
            Easing("bad_source_integrity_loss", _nothing, needs=("num_bad_sources", "num_feeding")),
            Easing("salt_integrity_loss", _nothing, needs=("num_salty",)),
            Easing("zone_integrity_loss", _nothing),
            Easing("storm_integrity_loss", _nothing),
            Easing("unripe_integrity_loss", _nothing),
        ),
    ),
    "motor_maturation": Preset("moves are not carried out at first", (Easing("motor_gain", _nothing),)),
    "sensory_gating": Preset("the gradients are silent at first", (Easing("grad_gain", _nothing),)),
}
"""The presets, by name. No two of them ease the same knob."""


def with_nursing(params: T, strengths: Mapping[str, Any], presets: Mapping[str, Preset] = NURSING) -> T:
    """The params with a protected childhood.

    A knob of value a that a preset eases to b at birth becomes the schedule from a + strength·(b − a) at φ = 0 to
    exactly a from φ = :data:`CHILDHOOD_ENDS` on. At strength 0 it stays a number. Applying the same nursing again
    changes nothing.

    Args:
        params: the world without nursing; or another frozen dataclass of knobs.
        strengths: 0 to 1 by the name of a preset, or of ``combined`` for all that act here. Under ``jax.vmap``
            strengths can be arrays; such knobs are schedules at strength 0 too.
        presets: by name; those of worlds.

    Raises:
        TypeError, ValueError: an unknown name, an invalid strength, a preset none of whose knobs does anything
            here, or one of whose knobs is a schedule already; the message names it.
    """
    changes: dict[str, Any] = {}
    for name, strength in _spelled_out(params, strengths, presets).items():
        acting = [easing for easing in presets[name].easings if easing.acts_on(params)]
        if not acting:
            knobs = ", ".join(easing.knob for easing in presets[name].easings)
            raise ValueError(f"nursing {name!r} changes nothing here, where none of {knobs} matters")
        for easing in acting:
            changes[easing.knob] = _eased(name, easing, getattr(params, easing.knob), strength)
    changed: Any = dataclasses.replace(params, **changes)  # type: ignore[type-var]
    return changed


def without_nursing(params: ParamsT) -> ParamsT:
    """The params without nursing: every schedule at its end, for the whole life."""
    return params.replace(**{name: _end(getattr(params, name)) for name in knob_fields(params)})


def parse_nursing(text: str, names: Iterable[str] = (*NURSING, COMBINED)) -> dict[str, float]:
    """Strengths by name from ``NAME[:STRENGTH]``, several of them joined by ``+``; 1 where none is given.

    Args:
        text: the strengths.
        names: of the presets that there are; those of worlds.

    Raises:
        ValueError: an unknown or repeated name, or a strength that is not a number from 0 to 1; the message names it.
    """
    strengths: dict[str, float] = {}
    for part in text.split("+"):
        name, colon, value = (piece.strip() for piece in part.partition(":"))
        check_nursing_name(name, names)
        if name in strengths:
            raise ValueError(f"nursing {name!r} is given twice")
        try:
            strengths[name] = float(value) if colon else 1.0
        except ValueError:
            raise ValueError(f"nursing {name!r}: strength must be 0 to 1, got {value!r}") from None
        _check_strength(name, strengths[name])
    return strengths


def check_nursing_name(name: str, names: Iterable[str]) -> None:
    """Rejects a name that is not among those of presets.

    Raises:
        ValueError: naming it, and what is close to it.
    """
    known = list(names)
    if name not in known:
        raise ValueError(f"unknown nursing {name!r}{did_you_mean(name, known)}; there are {', '.join(known)}")


def _check_strength(name: str, strength: Any) -> None:
    if not is_abstract(strength):
        check_number(f"nursing {name!r}: strength", strength, _STRENGTH)


def _spelled_out(params: Any, strengths: Mapping[str, Any], presets: Mapping[str, Preset]) -> dict[str, Any]:
    """The strengths with ``combined`` replaced by what it stands for."""
    for name, strength in strengths.items():
        check_nursing_name(name, (*presets, COMBINED))
        _check_strength(name, strength)
    if COMBINED not in strengths:
        return dict(strengths)
    if others := [name for name in strengths if name != COMBINED]:
        raise ValueError(f"nursing {COMBINED!r} holds {others[0]!r} already")
    acting = [name for name, preset in presets.items() if any(easing.acts_on(params) for easing in preset.easings)]
    return dict.fromkeys(acting, strengths[COMBINED])


def _eased(name: str, easing: Easing, value: Any, strength: float) -> Any:
    grown = _end(value)
    start = grown + strength * (easing.full(grown) - grown)
    planned = grown if is_always(start, grown) else Schedule(start, grown, 0.0, CHILDHOOD_ENDS)
    if isinstance(value, Schedule) and value != planned:
        raise ValueError(f"nursing {name!r} sets {easing.knob}, which is a schedule already, {value}")
    return planned


def _end(knob: Any) -> Any:
    return knob.end if isinstance(knob, Schedule) else knob
