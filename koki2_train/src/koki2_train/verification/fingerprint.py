"""Fingerprint of a machine: everything that may change the rounding of compiled code."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
from pathlib import Path

_PACKAGES = ("jax", "jaxlib", "evosax", "optax")
_OPTIONS = (
    "jax_default_prng_impl",
    "jax_threefry_partitionable",
    "jax_enable_x64",
    "jax_default_matmul_precision",
    "jax_disable_most_optimizations",
)


def fingerprint() -> dict[str, str]:
    """What decides the bits of a run besides its trial, by name (initialises JAX).

    Versions of what compiles and computes; the kind of device; for a CPU its instruction set, which XLA compiles for;
    and the settings of XLA and JAX that change code or random numbers.
    """
    import jax

    device = jax.devices()[0]
    return {
        **{name: importlib.metadata.version(name) for name in _PACKAGES},
        "platform": device.platform,
        "device": _instruction_set() if device.platform == "cpu" else device.device_kind,
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        **{name: str(jax.config.values.get(name)) for name in _OPTIONS},
    }


def _instruction_set() -> str:
    """Architecture and, where Linux tells them, a digest of the processor's features, such as ``x86_64 1f2e3d4c``."""
    machine = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.is_file():
        return f"{machine} {platform.processor()}".strip()
    for line in cpuinfo.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            vector = sorted(word for word in value.split() if word.startswith(_VECTOR))
            return f"{machine} {hashlib.sha256(' '.join(vector).encode()).hexdigest()[:8]}"
    return machine


# XLA chooses instructions by these; other features of a processor, such as those for virtual machines, say nothing.
_VECTOR = ("sse", "ssse", "avx", "fma", "bmi", "f16c", "amx", "asimd", "sve", "neon")
