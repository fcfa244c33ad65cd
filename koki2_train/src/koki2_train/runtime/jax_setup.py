"""JAX's set-up before it is initialised: CPU devices, threads for them, and the compilation cache."""

from __future__ import annotations

import os
from pathlib import Path

_ENOUGH_TO_CACHE = 0.3  # seconds of compilation
_asked: tuple[int | None, bool] | None = None  # what the set-up of this process was asked for


def available_cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cache_folder() -> Path:
    """Where compiled programs are kept: ``$XDG_CACHE_HOME/koki2`` or ``~/.cache/koki2``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "koki2"


def set_up(num_devices: int | None = None, compilation_cache: bool = True) -> None:
    """Configures JAX; call it before anything is computed. A second call with the same arguments does nothing.

    On a CPU every core becomes a device, so that a population is spread over all of them.

    Args:
        num_devices: CPU devices to make; one per core where None. Has no effect on accelerators.
        compilation_cache: keep compiled programs between processes.

    Raises:
        RuntimeError: JAX is initialised already, which importing Gymnax or one of our worlds does.
    """
    global _asked
    if _asked == (num_devices, compilation_cache):
        return
    cpu_devices = num_devices or available_cores()
    # XLA sizes its CPU thread pool by NPROC, else by the cores. Work of our size is over before another thread has
    # started its part: with more threads than devices, the steps of one device's loop wander from thread to thread,
    # which was seen to halve the speed.
    os.environ.setdefault("NPROC", str(cpu_devices))

    import jax

    try:
        jax.config.update("jax_num_cpu_devices", cpu_devices)
    except RuntimeError:
        raise RuntimeError(
            "set_up must be called once, before JAX is initialised (importing Gymnax does that)"
        ) from None
    # One program at a time: several in flight on several CPU devices make such waits far more likely.
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    if compilation_cache:
        jax.config.update("jax_compilation_cache_dir", str(cache_folder()))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", _ENOUGH_TO_CACHE)
    _asked = (num_devices, compilation_cache)
