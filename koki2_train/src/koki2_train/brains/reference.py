"""Reference policies as brains, so that baselines go through the same life loop as evolved brains."""

from __future__ import annotations

from typing import Any, ClassVar

import jax

from koki2_envs.reference_policies import act, init_memory, policy_called
from koki2_train.brains.base import Brain, Interface, Percept
from koki2_train.brains.blueprint import Blueprint


class ReferenceBrain(Brain):
    """Acts as a reference policy of a world. It has no weights; its carry is the policy's memory.

    Attributes:
        settings: the name of the policy.
        env: the world.
    """

    reads_state: ClassVar[bool] = True

    def __init__(self, policy: str, env: Any):
        """Makes one.

        Args:
            policy: its name, one of :func:`koki2_envs.reference_policies.policies_of`.
            env: the world.

        Raises:
            ValueError: the world has no such policy.
        """
        super().__init__(policy, Interface.of(env))
        self._purpose = (self.interface, env)
        self.env, self._policy = env, policy_called(policy, env)

    def blueprint(self) -> Blueprint:
        """Nothing."""
        return Blueprint(())

    def init(self, weights: Any) -> Any:
        """The policy's memory at birth."""
        return init_memory(self._policy, self.env)

    def act(self, weights: Any, carry: Any, percept: Any, key: jax.Array) -> tuple[jax.Array, Any]:
        """The policy's action and memory.

        Args:
            weights: nothing.
            carry: the policy's memory.
            percept: a :class:`Percept`.
            key: random key of this step.
        """
        seen: Percept = percept
        return act(self._policy, seen.env, seen.env_params, seen.state, seen.observation, carry, key)
