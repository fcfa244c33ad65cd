"""Reference policies: ``random``, ``stay``, ``straight``, ``greedy`` and ``oracle``, for every world of the ladder."""

from koki2_envs.reference_policies import foraging, homeostasis, motivation, obstacles, seasons, threats
from koki2_envs.reference_policies.base import REFERENCE_POLICIES, Policy, greedy, oracle, random, stay, straight

__all__ = [
    "REFERENCE_POLICIES",
    "Policy",
    "foraging",
    "greedy",
    "homeostasis",
    "motivation",
    "obstacles",
    "oracle",
    "random",
    "seasons",
    "stay",
    "straight",
    "threats",
]
