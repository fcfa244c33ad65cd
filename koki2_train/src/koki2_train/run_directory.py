"""A run on disk: what it was asked, what it did, what it found, and where to go on."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from koki2_envs.files import write_atomically
from koki2_train import checkpoint
from koki2_train.checkpoint import CheckpointError
from koki2_train.experiment import Experiment

_PACKAGES = ("koki2-envs", "koki2-train", "jax", "jaxlib", "gymnax", "evosax", "optax", "numpy")
_GENOME_FORMAT = 1


class RunError(Exception):
    """A run directory that cannot be used as asked; the message names it and says why."""


class RunDirectory:
    """The files of one run.

    ``config.json`` experiment and seed; ``manifest.json`` how it was made; ``generations.jsonl`` a line a generation;
    ``best_genome.npz`` the champion; ``checkpoints/`` where to go on.
    """

    def __init__(self, path: Path):
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def exists(self) -> bool:
        """Whether a run was begun here."""
        return (self.path / "config.json").is_file()

    @property
    def is_occupied(self) -> bool:
        """Whether something is here that a new run must not touch.

        What a run leaves that was killed before it had begun, the unfinished copy of its config, is nothing.
        """
        if not self.path.is_dir():
            return self.path.exists()
        return any(not entry.name.startswith(".config.json.") for entry in self.path.iterdir())

    def create(self, experiment: Experiment, seed: int) -> None:
        """Begins a run.

        Raises:
            RunError: there is something already.
        """
        if self.is_occupied:
            here = "holds a run already; --resume goes on with it" if self.exists else "is not empty, and holds no run"
            raise RunError(f"{self} {here}; choose another --out")
        self.path.mkdir(parents=True, exist_ok=True)
        self.write_config(experiment, seed)

    def read_config(self) -> tuple[Experiment, int]:
        """Experiment and seed.

        Raises:
            RunError: no run is here, or its config cannot be read.
        """
        if not self.exists:
            raise RunError(f"{self} is no run directory (it has no config.json)")
        try:
            data = json.loads((self.path / "config.json").read_text())
            return Experiment.from_dict(data["experiment"]), int(data["seed"])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise RunError(f"{self}/config.json cannot be read: {error!r}") from error

    def write_config(self, experiment: Experiment, seed: int) -> None:
        """Writes what is run."""
        self._write_json("config.json", {"experiment": experiment.to_dict(), "seed": seed})

    def check_same(self, experiment: Experiment, seed: int) -> None:
        """Refuses to go on with another experiment. Only the number of generations may differ.

        Raises:
            RunError: naming the first setting that differs.
        """
        old, old_seed = self.read_config()
        if seed != old_seed:
            raise RunError(f"{self} was begun with --seed {old_seed}, not {seed}")
        if old.rung != experiment.rung:
            raise RunError(f"{self} was begun on {old.rung}, not {experiment.rung}")
        before, now = old.settings(), experiment.settings()
        for name in before:
            if name != "generations" and before[name] != now[name]:
                raise RunError(
                    f"{self} was begun with {name} {before[name]}, not {now[name]}; --resume cannot change it"
                )

    def write_manifest(self, command: list[str], devices: list[str], **facts: Any) -> None:
        """Adds this invocation to the manifest."""
        manifest = self._read_manifest()
        manifest["invocations"].append(
            {
                "command": command,
                "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
                "versions": {"python": platform.python_version(), **_versions()},
                "devices": devices,
                "machine": platform.machine(),
                "cpu_cores": os.cpu_count(),
                "git": _git_state(),
                **facts,
            }
        )
        self._write_json("manifest.json", manifest)

    def update_manifest(self, **facts: Any) -> None:
        """Adds facts to the last invocation, such as how it ended."""
        manifest = self._read_manifest()
        manifest["invocations"][-1].update(facts)
        self._write_json("manifest.json", manifest)

    def _read_manifest(self) -> dict[str, Any]:
        path = self.path / "manifest.json"
        if not path.exists():
            return {"invocations": []}
        try:
            manifest = json.loads(path.read_text())
            if not isinstance(manifest["invocations"], list):
                raise TypeError("invocations must be a list")
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise RunError(f"{path} cannot be read: {error!r}; remove it to go on without it") from error
        return manifest

    def append_generations(self, rows: list[dict[str, Any]]) -> None:
        """Appends a line for each generation, durably."""
        text = "".join(json.dumps(row) + "\n" for row in rows)
        with (self.path / "generations.jsonl").open("a") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    def read_generations(self) -> list[dict[str, Any]]:
        """All whole lines of ``generations.jsonl``, in order."""
        path = self.path / "generations.jsonl"
        if not path.is_file():
            return []
        rows: list[dict[str, Any]] = []
        for line in path.read_bytes().splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                break
            if not isinstance(row, dict) or "generation" not in row:
                break
            rows.append(row)
        return rows

    def rewind_generations(self, count: int) -> list[dict[str, Any]]:
        """Keeps the first ``count`` generations and drops what a crash left behind them.

        Raises:
            RunError: there are fewer.
        """
        rows = self.read_generations()[:count]
        if [row["generation"] for row in rows] != list(range(count)):
            raise RunError(
                f"{self}/generations.jsonl lacks generations before {count}, which a checkpoint has behind it"
            )
        text = "".join(json.dumps(row) + "\n" for row in rows)
        write_atomically(self.path / "generations.jsonl", text.encode())
        return rows

    def save_checkpoint(
        self, generation: int, arrays: dict[str, np.ndarray], meta: dict[str, Any], keep: int = 3
    ) -> None:
        """Keeps what is needed to go on from ``generation``."""
        checkpoint.save_numbered(self.path / "checkpoints", generation, arrays, meta, keep)

    def load_checkpoint(self) -> tuple[dict[str, np.ndarray], dict[str, Any], list[str]] | None:
        """The newest checkpoint that is whole; None where there is no checkpoint yet.

        Returns:
            Its arrays, its meta, and a warning for every damaged one that was passed over.

        Raises:
            RunError: there are checkpoints, and all are damaged.
        """
        warnings: list[str] = []
        for path in checkpoint.newest_first(self.path / "checkpoints"):
            try:
                return (*checkpoint.load(path), warnings)
            except CheckpointError as error:
                warnings.append(str(error))
        if warnings:
            raise RunError("no checkpoint can be used: " + "; ".join(warnings))
        return None

    def save_champion(self, genome: dict[str, np.ndarray], facts: dict[str, float]) -> None:
        """Writes ``best_genome.npz``: the genome's arrays by name, and what is known of it."""
        known = {name: np.asarray(value) for name, value in facts.items()}
        data = checkpoint.pack_arrays({**genome, **known, "format": np.asarray(_GENOME_FORMAT)})
        write_atomically(self.path / "best_genome.npz", data)

    def load_champion(self) -> dict[str, np.ndarray]:
        """The arrays of ``best_genome.npz``.

        Raises:
            RunError: it is not there (the run has not come so far) or cannot be read.
        """
        path = self.path / "best_genome.npz"
        if not path.is_file():
            raise RunError(f"{self} has no best_genome.npz yet: finish the run with --resume")
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        except Exception as error:
            raise RunError(f"{path} cannot be read: {error}") from error
        if not np.array_equal(arrays.pop("format", np.asarray(-1)), _GENOME_FORMAT):
            raise RunError(f"{path} has another format than this version reads")
        return arrays

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the run for this process.

        Raises:
            RunError: another process is working on it.
        """
        with (self.path / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise RunError(f"{self} is in use by another process") from None
            yield

    def _write_json(self, name: str, data: Any) -> None:
        write_atomically(self.path / name, (json.dumps(data, indent=2) + "\n").encode())


def find_runs(paths: list[Path]) -> list[RunDirectory]:
    """The runs named by paths; a folder of ``seed<k>`` runs stands for all of them.

    Raises:
        RunError: a path is no run and holds none.
    """
    runs: list[RunDirectory] = []
    for path in paths:
        run = RunDirectory(path)
        inside = [RunDirectory(child) for child in sorted(path.glob("seed*"), key=_by_number)] if path.is_dir() else []
        inside = [child for child in inside if child.exists]
        if run.exists:
            runs.append(run)
        elif inside:
            runs.extend(inside)
        else:
            raise RunError(f"{path} is no run directory (it has no config.json)")
    return runs


def _by_number(path: Path) -> tuple[int, str]:
    digits = path.name.removeprefix("seed")
    return (int(digits) if digits.isdecimal() else sys.maxsize, path.name)


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def _git_state() -> dict[str, Any] | None:
    """Commit and whether the tree was changed, of the checkout that this code runs from; None outside of one."""

    def git(*arguments: str) -> str:
        here = Path(__file__).parent
        return subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "changed": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return None
