"""Knobs: the tunables of a world, each a number or a schedule over developmental phase.

A knob is declared once, as a field of a params dataclass, with :func:`knob`; validation, JSON, command-line flags and
documentation are generated from that declaration. Nothing here imports JAX, so that a command line can list, parse and
check every knob at once; a function that computes with arrays imports it when it is called.
"""

from koki2_envs.knobs.checks import check_knob, check_range, known_number
from koki2_envs.knobs.idle import is_always, when_active
from koki2_envs.knobs.pytree import pytree_dataclass
from koki2_envs.knobs.schedule import Knob, Schedule, largest, ramp, value_at
from koki2_envs.knobs.spec import KnobSpec, check_number, choice, in_32_bits, is_abstract, knob, knob_fields, spec_of

__all__ = [
    "Knob",
    "KnobSpec",
    "Schedule",
    "check_knob",
    "check_number",
    "check_range",
    "choice",
    "in_32_bits",
    "is_abstract",
    "is_always",
    "knob",
    "knob_fields",
    "known_number",
    "largest",
    "pytree_dataclass",
    "ramp",
    "spec_of",
    "value_at",
    "when_active",
]
