"""Kills at any moment: does a run that is killed again and again end with the bits of one left undisturbed?

    python tools/kill_and_resume.py [--kills 50] [--seed N] [--json]

Evolves a small run undisturbed, and then the same run again, killed with SIGKILL and resumed until it has been killed
so many times and is finished. Most kills are certain to meet a file that is being written (see ``mortal.py``); the
others come from outside at random moments, some of them before a resumed run has got anywhere. After each kill what
lies on the disk is looked over, and at the end the runs are compared. Exit status 1 where anything was lost or differs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from mortal import MOMENTS

from koki2_train.runs.directory import RunDirectory
from koki2_train.storage import checkpoint

MORTAL = Path(__file__).parent / "mortal.py"
RUNNING, RESUMING = "at random, while it runs", "at random, while it resumes"
FIRST = (
    "checkpoint: half written",
    "log: half written",
    RUNNING,
    "champion: half written",
    RESUMING,
    "checkpoint: replaced",
    "rewound log: half written",
)
PLAN = (*FIRST, *(moment for moment in MOMENTS if moment not in FIRST), *[RUNNING] * 10, *[RESUMING] * 5)
"""What is done in so many kills; of fewer the first, of more again from the first."""

WORLD = "L1.0"
SETTINGS = {
    "pop-size": 6,
    "episodes": 2,
    "steps": 12,
    "n-neurons": 6,
    "k-edges": 2,
    "width": 8,
    "energy-gain": 0.2,
    "init-scale": 0.5,
    "validate-every": 2,
    "validation-episodes": 4,
    "mvt-episodes": 1,
    "mvt-steps": 8,
    "mvt-min-alive-steps": 8,
    "mvt-min-energy-gained": 0.3,
}
GENERATIONS, GENERATIONS_PER_KILL = 300, 12  # so that it is not finished before it was killed often enough
PATIENCE = 120  # seconds for a process to get somewhere


@dataclass
class Tally:
    """What was seen.

    Attributes:
        kills: by moment.
        too_late: moments that did not come before the process was done.
        half_files: names of unfinished files that were found after a kill.
        half_lines: times that generations.jsonl was found to end in half a line.
        run_again: generations that were logged and came after the newest checkpoint.
        lost: generations that were in a checkpoint, and after a kill were in none.
        damaged: checkpoints that were not whole after a kill.
    """

    kills: Counter[str] = field(default_factory=Counter)
    too_late: Counter[str] = field(default_factory=Counter)
    half_files: set[str] = field(default_factory=set)
    half_lines: int = 0
    run_again: int = 0
    lost: int = 0
    damaged: int = 0


class Victim:
    """The run that is killed.

    Attributes:
        run: its directory.
        tally: what was seen of it.
    """

    def __init__(self, path: Path, generations: int, cache: Path, rng: random.Random):
        self.run, self.tally, self.rng = RunDirectory(path), Tally(), rng
        self.command = evolve(path, generations)
        self.environment = quiet_environment(cache)
        self.saved = 0
        self.resume_seconds = 3.0  # from the start of a process to its first generation, as seen last

    def start(self, program: list[str], *flags: str) -> subprocess.Popen[str]:
        """Goes on with the run, or begins it, in a new process."""
        resume = ["--resume"] if self.run.exists else []
        command = [sys.executable, *program, *self.command, *resume, *flags]
        return subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def kill(self, what: str) -> None:
        """Lets it run until it dies in the way that is named, and looks over what it left."""
        process = self.kill_at_random(what) if what in (RUNNING, RESUMING) else self.die_at(what)
        _, errors = process.communicate(timeout=PATIENCE)
        if process.returncode == -9:
            self.tally.kills[what] += 1
            self.look_over()
        elif process.returncode in (0, 130):
            self.tally.too_late[what] += 1
        else:
            raise SystemExit(f"{what}: exit code {process.returncode}: {errors}")

    def die_at(self, moment: str) -> subprocess.Popen[str]:
        """Starts a process that will kill itself."""
        often = moment.startswith(("checkpoint", "log", "champion"))
        times = self.rng.randint(1, 4) if often else 1
        return self.start([str(MORTAL), moment, str(times)], "--checkpoint-seconds=0")

    def kill_at_random(self, what: str) -> subprocess.Popen[str]:
        """Starts a process and kills it, before or soon after its first new generation."""
        began, before = time.monotonic(), self.log_number()
        process = self.start(["-m", "koki2_train"], f"--checkpoint-seconds={self.rng.choice((0, 0.05))}")
        patience = self.rng.uniform(0.5, 1.0) * self.resume_seconds if what == RESUMING else PATIENCE
        while process.poll() is None and time.monotonic() < began + patience:
            if self.log_number() != before and len(self.run.read_generations()) > self.saved:
                self.resume_seconds = time.monotonic() - began
                break
            time.sleep(0.002)
        if what == RUNNING:
            time.sleep(self.rng.uniform(0.0, 0.05))
        process.kill()
        return process

    def log_number(self) -> int | None:
        """The inode of generations.jsonl: a resumed run first writes it anew."""
        log = self.run.path / "generations.jsonl"
        return log.stat().st_ino if log.exists() else None

    def look_over(self) -> None:
        """Counts what the kill left, and sees whether everything that was saved is still there."""
        tally, path = self.tally, self.run.path / "generations.jsonl"
        log = path.read_bytes() if path.exists() else b""
        tally.half_files |= {path.name for path in self.run.path.rglob("*.part")}
        tally.half_lines += bool(log) and not log.endswith(b"\n")
        newest = 0
        for path in checkpoint.newest_first(self.run.path / "checkpoints"):
            try:
                newest = max(newest, checkpoint.load(path)[1]["generation"])
            except checkpoint.CheckpointError:
                tally.damaged += 1
        tally.lost += max(0, self.saved - newest)
        tally.run_again += max(0, len(self.run.read_generations()) - newest)
        self.saved = newest


def evolve(path: Path, generations: int) -> list[str]:
    """Arguments of a small run."""
    flags = SETTINGS | {"out": path, "generations": generations, "devices": 1, "log-every": 2}
    return ["evolve", WORLD, "--mvt", "--json", *(f"--{name}={value}" for name, value in flags.items())]


def quiet_environment(cache: Path) -> dict[str, str]:
    """What a process finds around it; compiled programs are kept in ``cache``."""
    return {**os.environ, "XDG_CACHE_HOME": str(cache), "JAX_PLATFORMS": "cpu"}


def compare(one: RunDirectory, other: RunDirectory) -> dict[str, bool]:
    """Which parts of two runs are the same, bit by bit."""

    def bits(arrays: dict[str, Any]) -> dict[str, Any]:
        return {name: (str(array.dtype), array.shape, array.tobytes()) for name, array in arrays.items()}

    def parts(run: RunDirectory) -> dict[str, Any]:
        rows = [{key: value for key, value in row.items() if key != "seconds"} for row in run.read_generations()]
        arrays, meta, warnings = run.load_checkpoint() or ({}, {}, [])
        state = (bits(arrays), meta.get("generation"), warnings)
        return {"best_genome.npz": bits(run.load_champion()), "newest checkpoint": state, "generations.jsonl": rows}

    ours, theirs = parts(one), parts(other)
    return {name: ours[name] == theirs[name] for name in ours}


def finish(command: list[str], cache: Path) -> None:
    """Runs a command to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "koki2_train", *command], env=quiet_environment(cache), capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"exit code {done.returncode}: {done.stderr}")


def measure(kills: int, seed: int, folder: Path) -> dict[str, Any]:
    """Does it all in a folder.

    Returns:
        What was seen: the fields of :class:`Tally`, and ``equal`` by part of a run.
    """
    rng, cache, generations = random.Random(seed), folder / "cache", max(GENERATIONS, GENERATIONS_PER_KILL * kills)
    finish(evolve(folder / "undisturbed", generations), cache)
    victim = Victim(folder / "killed", generations, cache, rng)
    plan = [PLAN[i % len(PLAN)] for i in range(kills)]
    rng.shuffle(plan)
    began = time.monotonic()
    for what in plan:
        victim.kill(what)
        print(f"{victim.tally.kills.total():4} {what}: {victim.saved} generations are safe", file=sys.stderr)
    while victim.tally.kills.total() < kills:
        victim.kill("config: half written")
    finish([*victim.command, "--resume"], cache)
    undisturbed = RunDirectory(folder / "undisturbed")
    left = [path.name for path in victim.run.path.rglob("*.part")]
    counted = {name: dict(getattr(victim.tally, name)) for name in ("kills", "too_late")}
    tally = vars(victim.tally) | counted | {"half_files": len(victim.tally.half_files)}
    facts = {"seed": seed, "generations": generations, "seconds": round(time.monotonic() - began, 1)}
    return {**facts, **tally, "left_at_the_end": left, "equal": compare(undisturbed, victim.run)}


def show(seen: dict[str, Any]) -> None:
    """Prints what was seen, as a table."""
    rows: dict[str, list[str]] = {}
    for what in sorted(seen["kills"], key=[*MOMENTS, RUNNING, RESUMING].index):
        file, _, step = what.partition(": ")
        times = seen["kills"][what]
        rows.setdefault(file, []).append(f"{step} {times}" if step else str(times))
    for file, steps in rows.items():
        print(f"{file:28} {', '.join(steps)}")
    print(f"{'kills in all':28} {sum(seen['kills'].values())}, of a run of {seen['generations']} generations")
    for what, times in seen["too_late"].items():
        print(f"{what}: did not come before the run was done, {times} times")
    left = len(seen["left_at_the_end"])
    print(f"{'unfinished files':28} {seen['half_files']} were left by kills, {left} are there at the end")
    print(f"{'log ended in half a line':28} {seen['half_lines']} times")
    print(f"{'run again':28} {seen['run_again']} generations, which came after the newest checkpoint")
    print(f"{'checkpoints damaged':28} {seen['damaged']}")
    print(f"{'generations lost':28} {seen['lost']}")
    for name, same in seen["equal"].items():
        print(f"{name + ' equal':28} {'yes' if same else 'NO'}")


def main() -> int:
    """Runs the command line; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="of what is random in the kills")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.kills < 1:
        parser.error(f"--kills must be at least 1, got {args.kills}")
    with tempfile.TemporaryDirectory() as folder:
        seen = measure(args.kills, args.seed, Path(folder))
    if args.json:
        print(json.dumps(seen))
    else:
        show(seen)
    return 1 if seen["lost"] or seen["damaged"] or seen["left_at_the_end"] or not all(seen["equal"].values()) else 0


if __name__ == "__main__":
    sys.exit(main())
