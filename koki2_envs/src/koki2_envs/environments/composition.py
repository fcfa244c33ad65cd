"""Composition of families: what each class of worlds declares about itself, joined over its bases.

A family of worlds declares only what it adds: senses, body variables, source groups, constructor arguments. A class
that derives from several families has the declarations of all of them, in the order of their bases, last base first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, NamedTuple

from koki2_envs.mechanics.rng import Feature

_STREAMS_APART = 1 << 16  # far above every Feature


class SourceGroup(NamedTuple):
    """Sources of one kind, which lie next to each other in the arrays of all sources.

    Attributes:
        name: of the kind.
        argument: the constructor argument that says how many there are.
        feature: the random numbers from which their cells are drawn at birth.
        bad: the knob that says how many of them are bad, or None where none are.
    """

    name: str
    argument: str
    feature: Feature
    bad: str | None = None


class Composed:
    """Base of the classes whose declarations are joined.

    Attributes:
        own_structure: the family's constructor arguments that set array shapes, and their defaults.
        own_senses: names of the entries that it adds to the observation, each with its typical size in a life.
        own_levels: body variables that it adds, all of them vital; each has knobs ``<name>_setpoint`` and
            ``<name>_drive_weight``.
        own_metrics: entries of the info that it adds and that are summed over a life and reported.
        own_terrain: state variables that it adds to the terrain.
        own_groups: groups of sources that it adds.
        own_omissions: what of its bases' declarations the family does without: names, by the attribute that declares
            them.
        own_draws: the :class:`Feature` s from which it draws itself, besides those of its groups. Families that name
            the same one still draw different numbers where they are combined (:meth:`stream`).
    """

    own_structure: ClassVar[Mapping[str, int]] = {}
    own_senses: ClassVar[Mapping[str, float]] = {}
    own_levels: ClassVar[tuple[str, ...]] = ()
    own_metrics: ClassVar[tuple[str, ...]] = ()
    own_terrain: ClassVar[tuple[str, ...]] = ()
    own_groups: ClassVar[tuple[SourceGroup, ...]] = ()
    own_draws: ClassVar[tuple[Feature, ...]] = ()
    own_omissions: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    structure_defaults: ClassVar[Mapping[str, int]] = {}
    observation_names: ClassVar[tuple[str, ...]] = ()
    observation_scales: ClassVar[tuple[float, ...]] = ()
    level_names: ClassVar[tuple[str, ...]] = ()
    metric_names: ClassVar[tuple[str, ...]] = ()
    terrain_names: ClassVar[tuple[str, ...]] = ()
    source_groups: ClassVar[tuple[SourceGroup, ...]] = ()
    _streams: ClassVar[Mapping[tuple[str, Feature], int]] = {}

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        families = [base for base in reversed(cls.__mro__) if issubclass(base, Composed)]

        def declared(attribute: str) -> list[tuple[Any, Any]]:
            omitted = [name for base in families for name in vars(base).get("own_omissions", {}).get(attribute, ())]
            entries = [(base, entry) for base in families for entry in vars(base).get(attribute, ())]
            return [(base, entry) for base, entry in entries if entry not in omitted]

        def joined(attribute: str) -> tuple[Any, ...]:
            return _unique(cls, attribute, (entry for _, entry in declared(attribute)))

        cls.observation_names = joined("own_senses")
        cls.observation_scales = tuple(base.own_senses[name] for base, name in declared("own_senses"))
        cls.level_names, cls.metric_names = joined("own_levels"), joined("own_metrics")
        cls.terrain_names, cls.source_groups = joined("own_terrain"), joined("own_groups")
        cls.structure_defaults = {name: base.own_structure[name] for base, name in declared("own_structure")}
        groups = [(group.name, group.feature) for group in cls.source_groups]
        draws = [(base.__name__, feature) for base, feature in declared("own_draws")]
        cls._streams = _apart(groups + draws)

    @classmethod
    def stream(cls, owner: str, feature: Feature) -> int:
        """The number of the random stream from which a family or a group of sources draws a feature.

        It is the feature's own, unless another family of this class or another group of its sources came first.

        Args:
            owner: the family's class name, or the group's name.
            feature: one that it declares.
        """
        return cls._streams[owner, feature]


def _unique(cls: type, attribute: str, entries: Iterable[Any]) -> tuple[Any, ...]:
    result = tuple(entries)
    names = [entry.name if isinstance(entry, SourceGroup) else entry for entry in result]
    for name in names:
        if names.count(name) > 1:
            raise TypeError(f"{cls.__name__}: two of its bases declare {name!r} in {attribute}")
    return result


def _apart(claims: list[tuple[str, Feature]]) -> dict[tuple[str, Feature], int]:
    """A stream for each (owner, feature); the first owner of a feature gets the feature itself."""
    earlier = [[other for _, other in claims[:i]].count(feature) for i, (_, feature) in enumerate(claims)]
    return {claim: int(claim[1]) + _STREAMS_APART * n for claim, n in zip(claims, earlier, strict=True)}
