"""A run on disk: what it was asked, what it did, what it found, and where to go on."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from koki2_envs.files import write_atomically
from koki2_train import checkpoint, generation_log
from koki2_train.checkpoint import CheckpointError, DamagedCheckpointError
from koki2_train.experiment import Experiment
from koki2_train.folder_lock import LOCK, FolderLock, hold
from koki2_train.provenance import describe_invocation

_GENOME_FORMAT = 1
_FILES = ("config.json", "manifest.json", "generations.jsonl", "best_genome.npz")


class RunError(Exception):
    """A run directory that cannot be used as asked; the message names it and says why."""


class RunDirectory:
    """The files of one run.

    ``config.json`` experiment and seed; ``manifest.json`` how it was made; ``generations.jsonl`` a line a generation;
    ``best_genome.npz`` the champion; ``checkpoints/`` where to go on.
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
    def is_occupied(self) -> bool:
        """Whether something is here that a new run must not touch.

        What a run leaves that was killed before it had begun, its lock and the unfinished copy of its config, is
        nothing.
        """
        if not self.path.is_dir():
            return self.path.exists()
        nothing = {self.path / LOCK, *self.path.glob(".config.json.*.part")}
        return any(entry not in nothing for entry in self.path.iterdir())

    def check_free(self) -> None:
        """Refuses a place where a run cannot begin.

        Raises:
            RunError: there is something already.
        """
        if self.is_occupied:
            here = "holds a run already; --resume goes on with it" if self.exists else "is not empty, and holds no run"
            raise RunError(f"{self} {here}; choose another --out")

    def create(self, experiment: Experiment, seed: int) -> None:
        """Begins a run.

        Raises:
            RunError: there is something already.
        """
        self.check_free()
        self.path.mkdir(parents=True, exist_ok=True)
        self.write_config(experiment, seed)

    @property
    def reached(self) -> int:
        """The generation of its newest checkpoint, whole or not; 0 before there is one."""
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
        """Writes what is run, and with which seed."""
        self._write_json("config.json", {"experiment": experiment.to_dict(), "seed": seed})

    def check_same(self, experiment: Experiment, seed: int) -> None:
        """Refuses to go on with another experiment. Only the number of generations may differ.

        Raises:
            RunError: naming the first setting that differs.
        """
        old, old_seed = self.read_config()
        _refuse_another(f"{self} was begun", old, old_seed, experiment, seed)

    def write_manifest(self, command: list[str], devices: list[str], **facts: Any) -> None:
        """Adds this invocation to the manifest."""
        manifest = self._read_manifest()
        manifest["invocations"].append(describe_invocation(command, devices, **facts))
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
        generation_log.append_rows(self._mine("generations.jsonl"), rows)

    def read_generations(self) -> list[dict[str, Any]]:
        """All whole lines of ``generations.jsonl``, in order."""
        return generation_log.read_rows(self.path / "generations.jsonl")

    def first_generations(self, count: int) -> list[dict[str, Any]]:
        """The lines of the first ``count`` generations.

        Raises:
            RunError: there are fewer.
        """
        rows = self.read_generations()[:count]
        if [row["generation"] for row in rows] != list(range(count)):
            raise RunError(
                f"{self}/generations.jsonl lacks generations before {count}, which a checkpoint has behind it"
            )
        return rows

    def rewind(self, count: int) -> None:
        """Keeps the first ``count`` generations and drops what lies behind them, checkpoints before lines.

        Raises:
            RunError: there are fewer; nothing was changed.
        """
        kept = self.first_generations(count)
        checkpoint.drop_after(self._mine("checkpoints"), count)
        generation_log.write_rows(self._mine("generations.jsonl"), kept)

    def save_checkpoint(
        self, generation: int, arrays: dict[str, np.ndarray], meta: dict[str, Any], keep: int = 3
    ) -> None:
        """Keeps what is needed to go on from ``generation``."""
        checkpoint.save_numbered(self._mine("checkpoints"), generation, arrays, meta, keep)

    def load_checkpoint(
        self, up_to: int | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any], list[str]] | None:
        """The newest checkpoint that is whole; None where there is no checkpoint yet.

        Args:
            up_to: the last generation that will do; any where None.

        Returns:
            Its arrays, its meta, and a warning for every damaged one that was passed over.

        Raises:
            RunError: there are checkpoints, and all are damaged; or the newest whole one is of another format.
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

    def check_checkpoint(self, meta: dict[str, Any], experiment: Experiment, seed: int) -> None:
        """Refuses a checkpoint, by its meta, that was not written by the run of ``experiment`` and ``seed``.

        Raises:
            RunError: naming the first setting that differs.
        """
        try:
            theirs, their_seed = Experiment.from_dict(meta["experiment"]), int(meta["seed"])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise RunError(f"{self}: its newest checkpoint cannot be read: {error!r}") from error
        _refuse_another(f"{self}: its newest checkpoint is of a run", theirs, their_seed, experiment, seed)

    def save_champion(self, genome: dict[str, np.ndarray], facts: dict[str, float]) -> None:
        """Writes ``best_genome.npz``: the genome's arrays by name, and what is known of it."""
        known = {name: np.asarray(value) for name, value in facts.items()}
        data = checkpoint.pack_arrays({**genome, **known, "format": np.asarray(_GENOME_FORMAT)})
        write_atomically(self._mine("best_genome.npz"), data)

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
        """Holds the run for this process, and makes its folder where there is none yet.

        Inside, a file is written only while the folder is still the one that was locked: it may have been removed, and
        another run begun in its place.

        Raises:
            RunError: another process is working on it.
        """
        with contextlib.ExitStack() as stack:
            try:
                self._lock = stack.enter_context(hold(self.path))
            except BlockingIOError:
                raise RunError(f"{self} is in use by another process") from None
            stack.callback(setattr, self, "_lock", None)
            yield

    def remove_unfinished(self) -> None:
        """Removes the unfinished copies of its files that a killed process left. Call it while the run is locked."""
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


def _refuse_another(what: str, old: Experiment, old_seed: int, new: Experiment, new_seed: int) -> None:
    """Raises where two experiments or seeds differ in more than the number of generations.

    Raises:
        RunError: ``what``, and the first setting that differs.
    """
    if new_seed != old_seed:
        raise RunError(f"{what} with --seed {old_seed}, not {new_seed}")
    if old.rung != new.rung:
        raise RunError(f"{what} on {old.rung}, not {new.rung}")
    before, now = old.settings(), new.settings()
    for name in before:
        if name != "generations" and before[name] != now[name]:
            raise RunError(f"{what} with {name} {before[name]}, not {now[name]}; --resume cannot change it")
