"""A reference policy as a brain, so that baselines live the same life loop as evolved brains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from koki2_envs.reference_policies import REFERENCE_POLICIES
from koki2_train.brains.base import Learning, Outcome, Percept


@dataclass(frozen=True)
class ReferenceBrain:
    """Acts as one of :data:`koki2_envs.REFERENCE_POLICIES`. It has no params and no carry.

    Attributes:
        policy: name of the policy.
    """

    policy: str

    reads_state: ClassVar[bool] = True

    def init(self, params: tuple[()]) -> tuple[()]:
        """Nothing to carry."""
        return ()

    def act(self, params: tuple[()], carry: tuple[()], percept: Percept, key: jax.Array) -> tuple[jax.Array, tuple[()]]:
        """The policy's action."""
        policy = REFERENCE_POLICIES[self.policy]
        return policy(percept.env, percept.env_params, percept.state, percept.observation, key), ()

    def learn(self, params: Any, carry: Any, outcome: Outcome) -> Any:
        """Reference policies do not learn."""
        return carry

    def learning(self, params: Any, carry: Any) -> Learning:
        """Zeros."""
        zero = jnp.zeros((), jnp.float32)
        return Learning(zero, zero, zero)

    def is_finite(self, params: Any, carry: Any) -> jax.Array:
        """Always."""
        return jnp.ones((), bool)
