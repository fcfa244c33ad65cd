"""Reference policies as brains, so that baselines go through the same life loop as evolved brains."""

from __future__ import annotations

from typing import Any, ClassVar

import jax

from koki2_envs.reference_policies import REFERENCE_POLICIES
from koki2_train.brains.base import Brain, Interface, Percept
from koki2_train.brains.blueprint import Blueprint


class ReferenceBrain(Brain):
    """Acts as one of :data:`koki2_envs.REFERENCE_POLICIES`. It has no weights and no carry.

    Attributes:
        settings: the name of the policy.
    """

    reads_state: ClassVar[bool] = True

    def __init__(self, policy: str):
        super().__init__(policy, Interface((), (), ()))

    def blueprint(self) -> Blueprint:
        """Nothing."""
        return Blueprint(())

    def init(self, weights: Any) -> tuple[()]:
        """Nothing to carry."""
        return ()

    def act(self, weights: Any, carry: Any, percept: Any, key: jax.Array) -> tuple[jax.Array, tuple[()]]:
        """The policy's action.

        Args:
            weights: nothing.
            carry: nothing.
            percept: a :class:`Percept`.
            key: random key of this step.
        """
        seen: Percept = percept
        policy = REFERENCE_POLICIES[self.settings]
        return policy(seen.env, seen.env_params, seen.state, seen.observation, key), ()
