"""Golden runs: a few tiny runs, kept with the code, that are run again and compared.

They are compared in one of three ways, by what is the same as where they were frozen
(:mod:`koki2_train.verification.fingerprint`):

- *exactly*, where everything that decides bits is the same: every number of logs and champions must agree;
- *closely*, on a CPU with other versions, instructions or compiler settings: every number within :data:`TOLERANCE`.
  With code for SSE4.2 and AVX2, with XLA's older fusions and with most optimisations off, logs were seen to agree
  exactly and champions within 3e-7; JAX 0.11.2 on Python 3.12 keeps to the tolerance;
- *by their beginning*, on another kind of device: spikes are thresholds, so that one other rounding may decide an
  action and with it the rest of the search. There the first generation, whose genomes are the same everywhere, and the
  kept champion's score on the run's validation lives must agree within :data:`DEVICE_TOLERANCE`.
"""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from koki2_envs.knobs import Schedule
from koki2_train.experiment import Experiment, Trial
from koki2_train.verification.fingerprint import fingerprint

TOLERANCE = 1e-3
"""Relative tolerance of every logged number, and absolute tolerance of every number of a champion, on another CPU."""
DEVICE_TOLERANCE = 0.02
"""Relative tolerance of the first generation and of the kept champion's score, on another kind of device."""

_FILE = resources.files("koki2_train") / "verification" / "golden_runs.json"
_TINY = {
    "generations": 5,
    "pop_size": 8,
    "episodes": 4,
    "steps": 48,
    "validate_every": 2,
    "validation_episodes": 16,
    "n_neurons": 16,
    "k_edges": 4,
    "init_scale": 0.5,
}
_VIABILITY = {"mvt": True, "mvt_steps": 24, "mvt_min_alive_steps": 24, "mvt_min_energy_gained": 0.15}
_LEARNING = {
    "plast_enabled": True,
    "plast_input": True,
    "plast_recurrent": True,
    "plast_gate": "action",
    "plast_eta": 0.3,
    "plast_lambda": 0.5,
    "plast_drift": 0.03,
    "plast_evolve": "rates_and_drift",
    "modulator_centred": True,
    "mod_drive_scale": 20.0,
}
_SMALL_WORLD = {"width": 8, "height": 8, "layout_spread": 3, "energy_decay": 0.03, "hydration_decay": 0.03}


@dataclass(frozen=True)
class GoldenRun:
    """One of them.

    Attributes:
        rung: the rung.
        settings: what differs from the settings that all share.
        seed: its seed.
    """

    rung: str
    settings: Mapping[str, Any]
    seed: int

    @property
    def trial(self) -> Trial:
        """What is run."""
        return Trial(Experiment.build(self.rung, {**_TINY, **self.settings}), self.seed)


GOLDEN_RUNS = {
    "foraging": GoldenRun(
        "L1.1", {**_VIABILITY, "energy_gain": 0.1, "width": 16, "nursing": {"risk_gating": 0.5}}, seed=0
    ),
    "obstacles": GoldenRun("L1.2", {"n_neurons": 48, "sparse_from": 8, "width": 8, "height": 8}, seed=1),
    "homeostasis": GoldenRun("L2.2", _SMALL_WORLD, seed=4),
    "threats": GoldenRun("L3.2", {}, seed=3),
    "seasons": GoldenRun("L4.1", {"width": 6, "height": 6, "energy_decay": 0.03, "energy_reward": 10.0}, seed=4),
    "motivation": GoldenRun("L4.2", {"grad_gain": Schedule(0.0, 1.0, 0.0, 0.3)}, seed=5),
    "learning": GoldenRun("L5.1", {**_LEARNING, "width": 6, "height": 6, "energy_decay": 0.03}, seed=6),
}
"""One for each family of worlds; one has the viability test and nursing, one a schedule, one sparse synapses, and one a
brain that learns."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a golden run.

    Attributes:
        rows: the lines of ``generations.jsonl``, without wall time.
        champion: the champion's genome, (D,) float32.
        score: its validation fitness.
    """

    rows: Sequence[Mapping[str, Any]]
    champion: np.ndarray
    score: float


@dataclass(frozen=True)
class Difference:
    """One number that is not as it was kept.

    Attributes:
        where: which number, such as ``generation 3 fitness_mean``.
        kept: what it was.
        found: what it is here.
    """

    where: str
    kept: Any
    found: Any


@dataclass(frozen=True)
class Comparison:
    """A golden run compared with what was kept of it.

    Attributes:
        name: which run.
        how: ``exactly``, ``closely`` or ``by their beginning``.
        differences: what does not agree; nothing where all does.
    """

    name: str
    how: str
    differences: Sequence[Difference]


def verify(
    names: Sequence[str] = tuple(GOLDEN_RUNS),
    num_devices: int | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> tuple[dict[str, tuple[str, str]], list[Comparison]]:
    """Runs golden runs again and compares them with what was kept.

    Args:
        names: which of :data:`GOLDEN_RUNS`.
        num_devices: over how many devices genomes are spread; all where None. It changes no bits.
        report: called with the name of each run before it begins.

    Returns:
        What differs between this machine and the one on which they were frozen, by name, there and here (where nothing
        does, all bits must agree); and a comparison for each run.
    """
    data = json.loads(_FILE.read_text(encoding="utf-8"))
    there, here = data["fingerprint"], fingerprint()
    elsewhere = {name: (there.get(name, ""), here.get(name, "")) for name in {**there, **here}}
    elsewhere = {name: pair for name, pair in elsewhere.items() if pair[0] != pair[1]}
    how = "by their beginning" if "platform" in elsewhere else "closely" if elsewhere else "exactly"
    comparisons = []
    for name in names:
        report(name)
        kept, found = _decode(data["runs"][name]), run_golden(GOLDEN_RUNS[name], num_devices)
        if how == "by their beginning":
            score = score_again(GOLDEN_RUNS[name], kept.champion, num_devices)
            differences = [*compare_beginnings(kept, found, score)]
        else:
            differences = [*compare(kept, found, TOLERANCE if elsewhere else 0.0)]
        comparisons.append(Comparison(name, how, differences))
    return elsewhere, comparisons


def freeze() -> str:
    """All golden runs as they are here, as the text of ``golden_runs.json``."""
    runs = {name: _encode(run_golden(golden)) for name, golden in GOLDEN_RUNS.items()}
    return json.dumps({"fingerprint": fingerprint(), "runs": runs}, indent=1) + "\n"


def run_golden(golden: GoldenRun, num_devices: int | None = None) -> Outcome:
    """Runs it into a directory, as ``evolve`` does, and reads back what it left."""
    from koki2_train.runs.chunks import RunOptions
    from koki2_train.runs.directory import RunDirectory
    from koki2_train.runs.runner import run_trial

    with tempfile.TemporaryDirectory(prefix="koki2-verify-") as folder:
        run = RunDirectory(Path(folder) / "run")
        options = RunOptions(num_devices, log_every=golden.trial.generations)
        if run_trial(run, golden.trial, options, command=["verify"]).stop_asked:
            raise KeyboardInterrupt
        rows = [{name: value for name, value in row.items() if name != "seconds"} for row in run.read_generations()]
        champion = run.load_champion()
    return Outcome(rows, champion["genome"], float(champion["validation_fitness"]))


def score_again(golden: GoldenRun, champion: np.ndarray, num_devices: int | None = None) -> float:
    """The validation fitness of a genome (D,), on the lives of the run: worlds and brain without the search."""
    import jax.numpy as jnp

    from koki2_train.random_streams import Stream, life_keys, root_key, stream_key
    from koki2_train.rollout.knobs import Knobs
    from koki2_train.rollout.population import compiled_rollout
    from koki2_train.rollout.problem import Problem

    experiment = golden.trial.experiment
    root = root_key(golden.seed)
    keys = life_keys(stream_key(root, Stream.VALIDATION), experiment.validation.validation_episodes)
    problem = Problem.of(experiment, num_devices)
    lives = compiled_rollout(problem, Knobs.of(experiment), jnp.asarray(champion)[None], keys)
    return float(np.mean(np.asarray(lives.fitness)))


def compare(kept: Outcome, found: Outcome, tolerance: float) -> Iterator[Difference]:
    """Every number of the log, the champion and its score, within a tolerance; exactly where that is 0."""
    for before, now in zip(kept.rows, found.rows, strict=False):
        yield from _compare_rows(before, now, tolerance)
    if len(kept.rows) != len(found.rows):
        yield Difference("number of generations", len(kept.rows), len(found.rows))
    if kept.champion.shape != found.champion.shape:
        yield Difference("champion's shape", kept.champion.shape, found.champion.shape)
    elif (differs := np.flatnonzero(np.abs(kept.champion - found.champion) > tolerance)).size:
        first = differs[0]
        where = f"champion, {differs.size} of {kept.champion.size} numbers; the first, number {first}"
        yield Difference(where, float(kept.champion[first]), float(found.champion[first]))
    if not _is_close(kept.score, found.score, tolerance):
        yield Difference("champion's validation score", kept.score, found.score)


def compare_beginnings(kept: Outcome, found: Outcome, score: float) -> Iterator[Difference]:
    """The first generation, and the kept champion's score computed here."""
    yield from _compare_rows(kept.rows[0], found.rows[0], DEVICE_TOLERANCE)
    if len(kept.rows) != len(found.rows):
        yield Difference("number of generations", len(kept.rows), len(found.rows))
    if not _is_close(kept.score, score, DEVICE_TOLERANCE):
        yield Difference("kept champion's validation score", kept.score, score)


def _compare_rows(kept: Mapping[str, Any], found: Mapping[str, Any], tolerance: float) -> Iterator[Difference]:
    for name, value in _flat(kept).items():
        here = _flat(found).get(name)
        if not _is_close(value, here, tolerance):
            yield Difference(f"generation {kept['generation']} {name}", value, here)


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its counts of failures by reason as entries of their own."""
    failures = {f"failures {reason}": count for reason, count in row.get("failures", {}).items()}
    return {name: value for name, value in row.items() if name != "failures"} | failures


def _is_close(kept: float | None, found: Any, tolerance: float) -> bool:
    if kept is None or not isinstance(found, int | float):
        return kept is found
    return abs(found - kept) <= tolerance * max(abs(kept), 1.0)


def _encode(outcome: Outcome) -> dict[str, Any]:
    champion = base64.b64encode(np.asarray(outcome.champion, "<f4").tobytes()).decode()
    return {"rows": list(outcome.rows), "champion": champion, "score": outcome.score}


def _decode(data: Mapping[str, Any]) -> Outcome:
    champion = np.frombuffer(base64.b64decode(data["champion"]), "<f4")
    return Outcome(data["rows"], champion, data["score"])
