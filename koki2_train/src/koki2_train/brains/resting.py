"""A brain that is put to rest before every step, the control for memory in spikes and traces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax

from koki2_train.brains.base import Brain, Outcome
from koki2_train.brains.blueprint import Arrays, Blueprint


class RestingBrain(Brain):
    """Another brain, at rest before every step: of what changes within a life it keeps only what it learned.

    Attributes:
        brain: the other brain.
    """

    def __init__(self, brain: Brain):
        super().__init__(brain.settings, brain.interface)
        self.brain = brain
        self._purpose = (brain,)

    def blueprint(self) -> Blueprint:
        """As the other brain."""
        return self.brain.blueprint()

    def develop(self, arrays: Arrays, knobs: Mapping[str, Any]) -> Any:
        """As the other brain."""
        return self.brain.develop(arrays, knobs)

    def init(self, weights: Any) -> Any:
        """As the other brain."""
        return self.brain.init(weights)

    def act(self, weights: Any, carry: Any, observation: jax.Array, key: jax.Array) -> tuple[jax.Array, Any]:
        """As the other brain does at rest."""
        return self.brain.act(weights, self.brain.at_rest(weights, carry), observation, key)

    def learn(self, weights: Any, carry: Any, outcome: Outcome) -> Any:
        """As the other brain."""
        return self.brain.learn(weights, carry, outcome)

    def measure(self, weights: Any, before: Any, after: Any, outcome: Outcome) -> Mapping[str, jax.Array]:
        """As the other brain."""
        return self.brain.measure(weights, before, after, outcome)

    def metrics(self, sums: Mapping[str, jax.Array], steps: jax.Array) -> Mapping[str, jax.Array]:
        """As the other brain."""
        return self.brain.metrics(sums, steps)

    def recordings(self, weights: Any, carry: Any) -> Mapping[str, jax.Array]:
        """As the other brain."""
        return self.brain.recordings(weights, carry)
