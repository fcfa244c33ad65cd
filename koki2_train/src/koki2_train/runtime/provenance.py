"""Provenance of a result: command, versions, machine, environment, and the state of the checkout."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

_PACKAGES = ("koki2-envs", "koki2-train", "jax", "jaxlib", "gymnax", "evosax", "optax", "numpy")


def describe_invocation(command: list[str], devices: list[str], **facts: Any) -> dict[str, Any]:
    """An entry of ``manifest.json``.

    Args:
        command: as it was called.
        devices: kinds of the devices that it runs on.
        facts: whatever else is to be known.
    """
    return {
        "command": command,
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "versions": {"python": platform.python_version(), **_versions()},
        "devices": devices,
        "machine": platform.machine(),
        "cpu_cores": os.cpu_count(),
        "environment": {name: value for name, value in sorted(os.environ.items()) if _decides_programs(name)},
        "git": _git_state(),
        **facts,
    }


def _decides_programs(variable: str) -> bool:
    """Whether an environment variable is one by which JAX and XLA compile other programs."""
    return variable.startswith("JAX_") or variable in ("XLA_FLAGS", "NPROC")


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def _git_state() -> dict[str, Any] | None:
    """Commit and whether the tree was changed, of the checkout that this code belongs to; None outside of one.

    A virtual environment may lie inside another project's checkout, which does not track what is installed in it.
    """
    here = Path(__file__)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

    def git(arguments: list[str]) -> str:
        command = ["git", "-C", str(here.parent), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=30)
        return done.stdout.strip()

    try:
        if not git(["ls-files", here.name]):
            return None
        return {"commit": git(["rev-parse", "HEAD"]), "changed": bool(git(["status", "--porcelain"]))}
    except (OSError, subprocess.SubprocessError):
        return None
