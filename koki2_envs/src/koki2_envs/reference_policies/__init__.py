"""Reference policies: ``random``, ``stay``, ``straight``, ``greedy`` and ``oracle``, for every world of the ladder.

Some families have more, such as ``memory``; :func:`policies_of` gives all that a world has.
"""

from koki2_envs.reference_policies import foraging, homeostasis, lottery, motivation, obstacles, seasons, threats
from koki2_envs.reference_policies.base import (
    REFERENCE_POLICIES,
    MemoryPolicy,
    Policy,
    act,
    greedy,
    init_memory,
    oracle,
    policies_of,
    policy_called,
    random,
    register_policy,
    stay,
    straight,
)

__all__ = [
    "REFERENCE_POLICIES",
    "MemoryPolicy",
    "Policy",
    "act",
    "foraging",
    "greedy",
    "homeostasis",
    "init_memory",
    "lottery",
    "motivation",
    "obstacles",
    "oracle",
    "policies_of",
    "policy_called",
    "random",
    "register_policy",
    "seasons",
    "stay",
    "straight",
    "threats",
]
