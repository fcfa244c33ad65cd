"""The machine and versions that a measurement was made on."""

from __future__ import annotations

import importlib.metadata
import platform
from typing import Any

from koki2_train.runtime.jax_setup import available_cores

_PACKAGES = ("jax", "jaxlib", "gymnax", "evosax", "koki2-envs", "koki2-train")


def machine_and_versions(devices: int | None) -> dict[str, Any]:
    """Device, cores and versions (initialises JAX).

    Args:
        devices: over how many devices a population is spread; all where None.

    Raises:
        ValueError: there are not that many devices.
    """
    import jax

    from koki2_train.runtime.devices import population_mesh

    mesh = population_mesh(devices)
    config: Any = jax.config  # not every version of JAX declares its settings' types
    kept = bool(config.jax_enable_compilation_cache and config.jax_compilation_cache_dir)
    return {
        "device": mesh.devices.flat[0].device_kind,
        "devices": mesh.size,
        "machine": platform.machine(),
        "cpu_cores": available_cores(),
        "compilation_cache": kept,
        "versions": {"python": platform.python_version()} | {p: importlib.metadata.version(p) for p in _PACKAGES},
    }
