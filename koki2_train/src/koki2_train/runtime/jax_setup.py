"""JAX's set-up before it is initialised: CPU devices, threads for them, and the compilation cache."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from koki2_envs.files import FileSystemWarning

_ENOUGH_TO_CACHE = 0.3  # seconds of compilation
_cpu_devices: int | None = None  # what this process was set up for
_cache: str | None = None  # and where it keeps compiled programs, if we chose that


def available_cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cache_folder() -> Path | None:
    """Where compiled programs are kept: ``$XDG_CACHE_HOME/koki2`` or ``~/.cache/koki2``; made if there is none.

    Returns:
        The folder; None where nothing can be kept, because there is no home or it cannot be written to.
    """
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(base) / "koki2"
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
        why = f"{folder} cannot be written to"
    except (OSError, RuntimeError) as error:  # RuntimeError: the user has no home
        why = str(error).rstrip(".")
    warnings.warn(f"compiled programs are not kept: {why}; XDG_CACHE_HOME names a folder", FileSystemWarning, 1)
    return None


def set_up(num_devices: int | None = None, compilation_cache: bool = True) -> None:
    """Configures JAX; call it before anything is computed. A second call for as many devices changes the cache alone.

    On a CPU every core becomes a device, so that a population is spread over all of them.

    Args:
        num_devices: CPU devices to make; one per core where None. Has no effect on accelerators.
        compilation_cache: keep compiled programs between processes: where ``JAX_COMPILATION_CACHE_DIR`` says, else in
            :func:`cache_folder`.

    Raises:
        ValueError: fewer than one device.
        RuntimeError: JAX is initialised already, which importing Gymnax or one of our worlds does, or was set up for
            another number of devices.
    """
    cpu_devices = available_cores() if num_devices is None else num_devices
    if cpu_devices < 1:
        raise ValueError(f"num_devices must be at least 1, got {num_devices}")
    _make_cpu_devices(cpu_devices)
    _keep_compiled_programs(compilation_cache)


def _make_cpu_devices(cpu_devices: int) -> None:
    global _cpu_devices
    if _cpu_devices == cpu_devices:
        return
    if _cpu_devices is not None:
        raise RuntimeError(f"set_up was called for {_cpu_devices} CPU devices already, now for {cpu_devices}")

    import jax

    try:
        jax.config.update("jax_num_cpu_devices", cpu_devices)
    except RuntimeError:
        raise RuntimeError(
            f"set_up must be called before JAX is initialised, which something did here already, with "
            f"{jax.local_device_count()} devices (importing Gymnax does that)"
        ) from None
    # XLA sizes its CPU thread pool by NPROC, else by the cores. Work of our size is over before another thread has
    # started its part: with more threads than devices, the steps of one device's loop wander from thread to thread,
    # which was seen to halve the speed.
    os.environ.setdefault("NPROC", str(cpu_devices))
    # One program at a time: several in flight on several CPU devices make such waits far more likely.
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    _cpu_devices = cpu_devices


def _keep_compiled_programs(keep: bool) -> None:
    global _cache
    import jax

    config: Any = jax.config  # not every version of JAX declares its settings' types
    if keep and not config.jax_compilation_cache_dir and (folder := cache_folder()):
        _cache = str(folder)
        jax.config.update("jax_compilation_cache_dir", _cache)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", _ENOUGH_TO_CACHE)
    elif not keep and _cache is not None and config.jax_compilation_cache_dir == _cache:  # another one is not ours
        jax.config.update("jax_compilation_cache_dir", None)


def start_error(error: Exception) -> str | None:
    """Why an exception arose, if because JAX cannot start here, and which of its environment variables are set."""
    try:
        import jax

        jax.devices()
    except Exception:
        variables = [f"{name}={value}" for name, value in os.environ.items() if name.startswith(("JAX_", "XLA_"))]
        given = f"; the environment has {', '.join(variables)}" if variables else ""
        reason = str(error).split("\n")[0].rstrip(".") or "it finds no device of the kind that is asked for"
        return f"JAX cannot start: {reason}{given}"
    return None
