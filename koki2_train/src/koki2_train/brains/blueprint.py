"""Blueprints: the named arrays that a brain must be given, as the contract between genomes and brains."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import chex
import jax

Role: TypeAlias = Literal["input", "recurrent", "motor", "bias", "coefficient", "constant"]
Arrays: TypeAlias = Mapping[str, jax.Array]


class ContractError(AssertionError):
    """What a brain, genome or strategy gives is not what its contract asks for, and chex has no check for it."""


@dataclass(frozen=True)
class Parameter:
    """One array of a blueprint.

    Attributes:
        shape: its shape.
        role: what it is for; genomes may treat roles differently.
        scale: the typical size of what the array is multiplied with, along its last axis (1 where empty). A genome may
            hold values times ``scale``, so that a step of one size means as much for a faint sense as for a loud one.
        unit: unit of its values, "" where they have none.
        sign: +1 or −1 where all values must have that sign, 0 where they may have any.
        start: the value from which all of them evolve; None where genomes draw it.
    """

    shape: tuple[int, ...]
    role: Role
    scale: tuple[float, ...] = ()
    unit: str = ""
    sign: int = 0
    start: float | None = None

    def __post_init__(self) -> None:
        if self.role not in get_args(Role):
            raise ValueError(f"role must be one of {', '.join(get_args(Role))}, got {self.role!r}")
        if self.scale and self.shape[-1:] != (len(self.scale),):
            raise ValueError(f"scale must have one number per column of {self.shape}, got {len(self.scale)}")
        if self.sign not in (-1, 0, 1):
            raise ValueError(f"sign must be -1, 0 or 1, got {self.sign}")

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Blueprint:
    """The arrays that a brain must be given, by name and in order; static and hashable.

    Attributes:
        parameters: pairs of name and :class:`Parameter`.
    """

    parameters: tuple[tuple[str, Parameter], ...]

    @classmethod
    def of(cls, **parameters: Parameter) -> Blueprint:
        """A blueprint of these parameters."""
        return cls(tuple(parameters.items()))

    @property
    def size(self) -> int:
        """How many numbers all arrays hold."""
        return sum(parameter.size for _, parameter in self.parameters)

    def check(self, arrays: Any) -> None:
        """Rejects arrays that are not those of the blueprint: by name, shape, and dtype float32.

        Raises:
            AssertionError: naming the first array that is not.
        """
        names = [name for name, _ in self.parameters]
        if sorted(arrays) != sorted(names):
            raise ContractError(f"a genome must give the arrays {sorted(names)}, got {sorted(arrays)}")
        for name, parameter in self.parameters:
            chex.assert_shape(arrays[name], parameter.shape, custom_message=f"array {name!r} of the blueprint")
            chex.assert_type(arrays[name], "float32", custom_message=f"array {name!r} of the blueprint")
