"""Implementations: the base of brains, genomes and strategies."""

from __future__ import annotations

from typing import Any, ClassVar, final

from koki2_train.experiment.settings_base import Settings


class Implementation:
    """A static object: two of the same class, settings and purpose are equal, and share compiled code.

    Attributes:
        settings_class: the class of its settings.
        settings: its settings.
    """

    settings_class: ClassVar[type[Settings]] = Settings

    def __init__(self, settings: Any, *purpose: Any):
        """Makes one.

        Args:
            settings: its settings.
            purpose: what else decides its compiled code, such as a brain's interface; hashable.
        """
        self.settings = settings
        self._purpose = purpose

    @final
    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._identity() == other._identity()

    @final
    def __hash__(self) -> int:
        return hash((type(self), self._identity()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._identity()))})"

    def _identity(self) -> tuple[Any, ...]:
        return self.settings, *self._purpose
