"""Run directories: the files of one run."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np

from koki2_envs.files import write_atomically
from koki2_train.experiment import Trial
from koki2_train.runs.places import TELLING_FILES, run_around
from koki2_train.runtime.provenance import describe_invocation
from koki2_train.storage import checkpoint, generation_log
from koki2_train.storage.checkpoint import CheckpointError, DamagedCheckpointError
from koki2_train.storage.folder_lock import LOCK, FolderLock, hold
from koki2_train.storage.json_file import NOT_AS_WRITTEN, read_json

_GENOME_FORMAT = 2
_FILES = ("config.json", "manifest.json", *TELLING_FILES)


class RunError(Exception):
    """A run directory that cannot be used as asked; the message names it and says why."""


class RunWarning(UserWarning):
    """Something of a run was lost or is damaged, and the run continues without it; the message says what."""


class RunDirectory:
    """The files of one run.

    ``config.json`` the trial; ``manifest.json`` how it was made; ``generations.jsonl`` a line a generation;
    ``best_genome.npz`` the champion; ``checkpoints/`` states to continue from.
    """

    def __init__(self, path: Path):
        self.path = path
        self._lock: FolderLock | None = None

    def __str__(self) -> str:
        return str(self.path)

    @property
    def exists(self) -> bool:
        """Whether a run was begun here."""
        return (self.path / "config.json").is_file()

    @property
    def lost_its_config(self) -> bool:
        """Whether what only a run leaves is here, but no config."""
        return not self.exists and any((self.path / name).is_file() for name in TELLING_FILES)

    @property
    def is_occupied(self) -> bool:
        """Whether something is here that a new run must not touch.

        A lock or partial config left by a run killed at start-up does not count.
        """
        if not self.path.is_dir():
            return self.path.exists()
        nothing = {self.path / LOCK, *self.path.glob(".config.json.*.part")}
        return any(entry not in nothing for entry in self.path.iterdir())

    @contextlib.contextmanager
    def open(self, trial: Trial, *, resume: bool = False) -> Iterator[Self]:
        """Holds the run for this process; nothing is written yet but its folder and lock.

        Inside, a file is written only while the folder is still the one that was locked: it may have been removed, and
        another run begun in its place.

        Args:
            trial: what is run.
            resume: continue the run that is here, if there is one.

        Raises:
            RunError: something else is here, the run is of another trial, or another process is working on it.
        """
        self.check(trial, resume=resume)
        with contextlib.ExitStack() as stack:
            try:
                self._lock = stack.enter_context(hold(self.path))
            except BlockingIOError:
                raise RunError(f"{self} is in use by another process") from None
            stack.callback(setattr, self, "_lock", None)
            yield self

    def check(self, trial: Trial, *, resume: bool) -> None:
        """Rejects a place where a trial can neither begin nor, with ``resume``, continue.

        Raises:
            RunError: something else is here, the run is of another trial, or the place lies within another run.
        """
        if resume and self.exists:
            _reject_another(f"{self} was begun", self.read_trial(), trial)
        elif self.is_occupied:
            here = "holds a run already; resume it, or" if self.exists else "is not empty, and is not a run;"
            raise RunError(f"{self} {here} choose another folder")
        elif (around := run_around(self.path)) is not None:
            raise RunError(f"{self} lies within {around}, which is a run; choose another folder")

    def begin_invocation(self, trial: Trial, command: list[str], devices: list[str], **facts: Any) -> None:
        """Writes what is run and how, at the start of a run or when it is resumed, and removes what a kill left.

        Args:
            trial: what is run.
            command: how it was called.
            devices: kinds of the devices that it runs on.
            facts: more for the manifest.

        Raises:
            RunError: the manifest that is here cannot be read.
        """
        if self._lock is None:
            self.path.mkdir(parents=True, exist_ok=True)
        else:
            self._lock.check()
        self._remove_unfinished()
        self._write_json("config.json", trial.to_dict())
        manifest = self._read_manifest()
        manifest["invocations"].append(describe_invocation(command, devices, seed=trial.seed, **facts))
        self._write_json("manifest.json", manifest)

    def end_invocation(self, **facts: Any) -> None:
        """Adds to the manifest how this invocation ended.

        Raises:
            RunError: the manifest cannot be read, or tells of no invocation.
        """
        path = self._mine("manifest.json")
        manifest = self._read_manifest()
        if not manifest["invocations"]:
            raise RunError(f"{path} tells of no invocation that could end")
        manifest["invocations"][-1].update(facts)
        self._write_json("manifest.json", manifest)

    @property
    def reached(self) -> int:
        """The generation of its newest checkpoint, intact or not; 0 before there is one."""
        return max((int(path.stem) for path in checkpoint.newest_first(self.path / "checkpoints")), default=0)

    @property
    def has_champion(self) -> bool:
        """Whether ``best_genome.npz`` is there."""
        return (self.path / "best_genome.npz").is_file()

    @property
    def last_invocation(self) -> dict[str, Any]:
        """What the manifest says of the newest invocation; nothing before there is one.

        Raises:
            RunError: the manifest cannot be read.
        """
        invocations: list[dict[str, Any]] = self._read_manifest()["invocations"]
        return invocations[-1] if invocations else {}

    def read_trial(self) -> Trial:
        """What is run.

        Raises:
            RunError: no run is here, or its config cannot be read.
        """
        if not self.exists:
            raise RunError(f"{self} is not a run directory (it has no config.json)")
        try:
            data = read_json(self.path / "config.json")
            if type(data["seed"]) is not int:
                raise TypeError(f"seed must be a whole number, got {data['seed']!r}")
            return Trial.from_dict(data)
        except NOT_AS_WRITTEN as error:
            raise RunError(f"{self}/config.json cannot be read: {error!r}") from error

    def _read_manifest(self) -> dict[str, Any]:
        path = self.path / "manifest.json"
        if not path.exists():
            return {"invocations": []}
        try:
            manifest: dict[str, Any] = read_json(path)
            if not all(isinstance(each.get("generations", 0), int) for each in manifest["invocations"]):
                raise TypeError("generations must be whole numbers")
        except (OSError, *NOT_AS_WRITTEN) as error:
            raise RunError(f"{path} cannot be read: {error!r}; remove it to continue without it") from error
        return manifest

    def append_generations(self, rows: list[dict[str, Any]]) -> None:
        """Appends a line for each generation, durably."""
        generation_log.append_rows(self._mine("generations.jsonl"), rows)

    def read_generations(self) -> list[dict[str, Any]]:
        """All complete lines of ``generations.jsonl``, in order."""
        return generation_log.read_rows(self.path / "generations.jsonl")

    def first_generations(self, count: int) -> list[dict[str, Any]]:
        """The lines of the first ``count`` generations.

        Raises:
            RunError: there are fewer.
        """
        rows = self.read_generations()[:count]
        if [row["generation"] for row in rows] != list(range(count)):
            raise RunError(f"{self}/generations.jsonl lacks generations before {count}, which a checkpoint builds on")
        return rows

    def rewind(self, count: int) -> None:
        """Keeps the first ``count`` generations and drops those after them, checkpoints before lines.

        Raises:
            RunError: there are fewer; nothing was changed.
        """
        kept = self.first_generations(count)
        checkpoint.drop_after(self._mine("checkpoints"), count)
        generation_log.write_rows(self._mine("generations.jsonl"), kept)

    def save_checkpoint(
        self, generation: int, arrays: dict[str, np.ndarray], meta: dict[str, Any], keep: int = 3
    ) -> None:
        """Keeps what is needed to continue from ``generation``."""
        checkpoint.save_numbered(self._mine("checkpoints"), generation, arrays, meta, keep)

    def load_checkpoint(
        self, up_to: int | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any], list[str]] | None:
        """The newest intact checkpoint; None where there is no checkpoint yet.

        Args:
            up_to: the last generation that will do; any where None.

        Returns:
            Its arrays, its meta, and a warning for every damaged one that was passed over.

        Raises:
            RunError: there are checkpoints, and all are damaged; or the newest intact one is of another format.
        """
        folder = self.path / "checkpoints"
        warnings: list[str] = []
        for path in checkpoint.newest_first(folder):
            if up_to is not None and int(path.stem) > up_to:
                continue
            try:
                return (*checkpoint.load(path), warnings)
            except DamagedCheckpointError as error:
                warnings.append(str(error))
            except CheckpointError as error:
                raise RunError(str(error)) from error
        if warnings:
            again = f"remove {folder} to begin again, to the same bits"
            raise RunError(f"no checkpoint can be used: {'; '.join(warnings)}; {again}")
        return None

    def check_checkpoint(self, meta: dict[str, Any], trial: Trial) -> None:
        """Rejects a checkpoint, by its meta, that was not written by the run of ``trial``.

        Raises:
            RunError: naming the first setting that differs.
        """
        try:
            theirs = Trial.from_dict(meta["trial"])
            if not (type(meta["generation"]) is int and isinstance(meta["seconds"], int | float)):
                raise TypeError("generation and seconds must be numbers")
        except NOT_AS_WRITTEN as error:
            raise RunError(f"{self}: its newest checkpoint cannot be read: {error!r}") from error
        _reject_another(f"{self}: its newest checkpoint is of a run", theirs, trial)

    def save_champion(self, genome: np.ndarray, facts: dict[str, float]) -> None:
        """Writes ``best_genome.npz``: the genome (D,) float32, and what is known of it."""
        known = {name: np.asarray(value) for name, value in facts.items()}
        data = checkpoint.pack_arrays({"genome": genome, **known, "format": np.asarray(_GENOME_FORMAT)})
        write_atomically(self._mine("best_genome.npz"), data)

    def load_champion(self) -> dict[str, np.ndarray]:
        """The arrays of ``best_genome.npz``.

        Raises:
            RunError: it does not exist yet, or cannot be read.
        """
        path = self.path / "best_genome.npz"
        if not path.is_file():
            raise RunError(f"{self} has no best_genome.npz yet: resume the run to finish it")
        try:
            arrays = checkpoint.load_arrays(path)
        except CheckpointError as error:
            raise RunError(str(error)) from error
        if not np.array_equal(arrays.pop("format", np.asarray(-1)), _GENOME_FORMAT):
            raise RunError(f"{path} has another format than this version reads")
        if "genome" not in arrays:
            raise RunError(f"{path} has no genome")
        for name, array in arrays.items():
            if name != "genome" and (array.shape or array.dtype.kind not in "iuf"):
                raise RunError(f"{path}: {name} is not a number")
        return arrays

    def _remove_unfinished(self) -> None:
        """Removes the unfinished copies of its files that a killed process left."""
        patterns = [f".{name}.*.part" for name in _FILES] + ["checkpoints/.*.ckpt.*.part"]
        for pattern in patterns:
            for path in self.path.glob(pattern):
                path.unlink()

    def _mine(self, name: str) -> Path:
        """The path of something that is about to be written, in the folder that was locked if any was."""
        if self._lock is not None:
            self._lock.check()
        return self.path / name

    def _write_json(self, name: str, data: Any) -> None:
        write_atomically(self._mine(name), (json.dumps(data, indent=2) + "\n").encode())


def _reject_another(what: str, old: Trial, new: Trial) -> None:
    """Rejects a trial that differs from the one that was begun in more than the number of generations.

    Raises:
        RunError: ``what``, and the first setting that differs.
    """
    if (difference := old.difference(new)) is not None:
        name, before, now = difference
        raise RunError(f"{what} with {name} {before}, not {now}; a resumed run cannot change it")
