"""Adapters for code that expects an interface other than that of Gymnax 1.0.

Gymnasium's interface needs none of ours: ``gymnax.wrappers.GymnaxToGymWrapper`` and ``GymnaxToVectorGymWrapper`` serve
every rung.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp


class FiveValueStep:
    """A Gymnax 1.0 environment whose ``step`` returns five values: obs, state, reward, done, info.

    For purejaxrl, rejax, Stoix and other code from before Gymnax separated termination from truncation; both remain
    in ``info``. Everything but ``step`` is the environment's own. Adapters of equal environments are equal and
    share compiled code, and an adapter can be deep-copied (Gymnax's ``LegacyStepAPIWrapper`` cannot: its
    attribute look-up recurses without end while the copy is still empty).

    Attributes:
        env: the environment that is adapted.
    """

    def __init__(self, env: Any):
        """Adapts ``env``.

        Args:
            env: an environment whose ``step`` returns the six values of Gymnax 1.0.

        Raises:
            TypeError: ``env`` is not an environment, or is already adapted.
        """
        if isinstance(env, FiveValueStep):
            raise TypeError(f"{env!r} has five values already")
        if not (callable(getattr(env, "step", None)) and callable(getattr(env, "reset", None))):
            raise TypeError(f"env must have step and reset, got {env!r}")
        self.env = env

    @partial(jax.jit, static_argnames=("self",))
    def step(
        self, key: jax.Array, state: Any, action: Any, params: Any = None
    ) -> tuple[Any, Any, jax.Array, jax.Array, dict[Any, Any]]:
        """One step, with auto-reset.

        Args:
            key: random key.
            state: the environment's state.
            action: an element of the action space.
            params: knobs; default params where None.

        Returns:
            Observation, state, reward, () bool ``done`` (terminated or truncated), info.
        """
        observation, state, reward, terminated, truncated, info = self.env.step(key, state, action, params)
        return observation, state, reward, jnp.logical_or(terminated, truncated), info

    def __getattr__(self, name: str) -> Any:
        # Special methods belong to the adapter, and while it is being copied it has no ``env`` to ask.
        if name == "env" or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.env, name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FiveValueStep) and bool(self.env == other.env)

    def __hash__(self) -> int:
        return hash((FiveValueStep, self.env))

    def __repr__(self) -> str:
        return f"FiveValueStep({self.env!r})"
