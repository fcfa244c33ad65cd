"""Direct genomes: the numbers of the blueprint's arrays themselves evolve."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import jax
import jax.numpy as jnp

from koki2_train.brains.blueprint import Arrays, Parameter
from koki2_train.experiment.sections import DirectSettings
from koki2_train.experiment.settings_base import Settings
from koki2_train.genomes.base import Genome


class DirectGenome(Genome):
    """One number for each number of the blueprint, in its order, rows first.

    The search takes steps of one size in every direction. So that such a step means as much for a faint sense as for a
    loud one, values are held in units of one over their parameter's ``scale``.
    """

    settings_class: ClassVar[type[Settings]] = DirectSettings
    settings: DirectSettings

    @property
    def size(self) -> int:
        """As many numbers as the blueprint has."""
        return self.blueprint.size

    def init(self, key: jax.Array) -> jax.Array:
        """Independent normal values with standard deviation ``init_scale``, and what has a ``start`` there."""
        parameters = [parameter for _, parameter in self.blueprint.parameters]
        drawn = [parameter for parameter in parameters if parameter.start is None]
        keys = iter(jax.random.split(key, len(drawn)))
        values = [
            self.settings.init_scale * jax.random.normal(next(keys), parameter.shape, jnp.float32)
            if parameter.start is None
            else jnp.full(parameter.shape, parameter.start, jnp.float32)
            for parameter in parameters
        ]
        scaled = [_scaled(value, parameter) for value, parameter in zip(values, parameters, strict=True)]
        return jnp.concatenate([value.ravel() for value in scaled])

    def compile(self, genome: jax.Array) -> Arrays:
        """The arrays, cut from the genome."""
        return dict(self._arrays(genome))

    def _arrays(self, genome: jax.Array) -> Iterator[tuple[str, jax.Array]]:
        first = 0
        for name, parameter in self.blueprint.parameters:
            values = genome[first : first + parameter.size].reshape(parameter.shape)
            yield name, values / _scales(parameter) if parameter.scale else values
            first += parameter.size


def _scaled(values: jax.Array, parameter: Parameter) -> jax.Array:
    return values * _scales(parameter) if parameter.scale else values


def _scales(parameter: Parameter) -> jax.Array:
    return jnp.broadcast_to(jnp.asarray(parameter.scale, jnp.float32), parameter.shape)
