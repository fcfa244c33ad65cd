"""A ladder of survival worlds in JAX behind the Gymnax 1.0 interface.

Importing this package is light: JAX and Gymnax are imported when a world is made. The rungs are in Gymnax's own
registry (``gymnax.make("L0.2-koki2")``) as soon as both packages are imported, in either order.
"""

import importlib
from typing import TYPE_CHECKING, Any

import wrapt

from koki2_envs.knobs import Schedule, ramp, value_at
from koki2_envs.ladder import RUNGS, Rung, make, register, register_rung, rung
from koki2_envs.nursing import NURSING, with_nursing, without_nursing
from koki2_envs.rollout import returns, rollout

if TYPE_CHECKING:
    from koki2_envs.life_record import LifeRecord
    from koki2_envs.reference_policies import REFERENCE_POLICIES
    from koki2_envs.testing import check_env
    from koki2_envs.wrappers import FiveValueStep

__version__ = "0.1.0"

_LAZY = {
    "FiveValueStep": "koki2_envs.wrappers",
    "LifeRecord": "koki2_envs.life_record",
    "REFERENCE_POLICIES": "koki2_envs.reference_policies",
    "check_env": "koki2_envs.testing",
}

__all__ = [
    "NURSING",
    "REFERENCE_POLICIES",
    "RUNGS",
    "FiveValueStep",
    "LifeRecord",
    "Rung",
    "Schedule",
    "check_env",
    "make",
    "ramp",
    "register",
    "register_rung",
    "returns",
    "rollout",
    "rung",
    "value_at",
    "with_nursing",
    "without_nursing",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


wrapt.register_post_import_hook(register, "gymnax")
