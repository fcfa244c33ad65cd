"""Preregistration: a plan and its SHA-256 hash, written before the first run and never changed afterwards."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from koki2_envs.files import write_atomically
from koki2_envs.knobs.plain import from_dict, to_dict
from koki2_envs.ladder import rung
from koki2_train.experiment import Experiment
from koki2_train.runs.directory import RunError
from koki2_train.storage.folder_lock import LOCK
from koki2_train.storage.json_file import NOT_AS_WRITTEN, read_json
from koki2_train.studies.plan import Plan

PLAN, PREREGISTRATION = "plan.toml", "preregistration.json"
_FORMAT = 1
_LONGEST = 60  # characters of a value in a message


@dataclass(frozen=True)
class Preregistration:
    """What was written down before the first run.

    Attributes:
        sha256: hash of the plan in canonical form.
        time: when, in UTC.
    """

    sha256: str
    time: str

    def to_dict(self) -> dict[str, str]:
        """As results hold it."""
        return {"sha256": self.sha256, "time": self.time}


def canonical(plan: Plan) -> dict[str, Any]:
    """A plan as plain data: equal for two texts that mean the same, whatever their comments and order of keys.

    Every arm has its whole experiment, and every test its whole worlds, so that a plan under which a later version of
    this package understands something else is another plan.
    """

    def world(experiment: Experiment) -> dict[str, Any]:
        data = experiment.to_dict()
        return {"structure": data["structure"], "world": data["world"]}

    return {
        "format": _FORMAT,
        **{name: getattr(plan, name) for name in ("title", "question", "rung", "primary", "smallest_effect")},
        **{name: getattr(plan, name) for name in ("baseline", "episodes", "test_seed", "test_world")},
        "seeds": list(plan.seeds),
        "comparisons": [list(pair) for pair in plan.further],
        "controls": list(plan.controls),
        "arms": {arm.name: arm.experiment.to_dict() for arm in plan.arms},
        "tests": {
            test: {arm: world(experiment) for arm, experiment in plan.worlds(changes).items()}
            for test, changes in plan.tests.items()
        },
    }


def sha256(data: dict[str, Any]) -> str:
    """The hash of plain data, whatever the order of its keys."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def check_preregistration(plan: Plan, out: Path) -> Preregistration | None:
    """What is registered in a folder, where it is this plan; None where nothing has begun there.

    Raises:
        RunError: another plan was registered, naming the first difference; the file is damaged or was changed; or the
            folder holds something else.
    """
    path = out / PREREGISTRATION
    try:
        found = read_json(path)
        registered, stated, time = found["plan"], found["sha256"], found["time"]
        if not isinstance(time, str) or stated != sha256(registered):
            raise ValueError("its hash is not that of the plan in it")
        difference = _first_difference(_with_new_settings(registered), json.loads(json.dumps(canonical(plan))))
    except FileNotFoundError:
        _check_free(out)
        return None
    except (OSError, *NOT_AS_WRITTEN) as error:
        raise RunError(f"{path} is damaged or was changed: {error}") from None
    if difference is not None:
        raise RunError(f"{out} was begun with another plan: {difference}; a registered plan does not change")
    return Preregistration(stated, time)


def register(plan: Plan, out: Path) -> Preregistration:
    """Writes plan and hash into a folder, or finds them there; call it before any run begins.

    Raises:
        RunError: see :func:`check_preregistration`.
        OSError: files cannot be written.
    """
    if (found := check_preregistration(plan, out)) is not None:
        return found
    data = canonical(plan)
    made = Preregistration(sha256(data), datetime.now(UTC).isoformat(timespec="seconds"))
    write_atomically(out / PLAN, plan.text.encode())
    write_atomically(out / PREREGISTRATION, (json.dumps({**made.to_dict(), "plan": data}, indent=2) + "\n").encode())
    return made


def _check_free(out: Path) -> None:
    """Rejects a folder with anything but what a start that was killed leaves."""
    if not out.is_dir():
        return
    for entry in out.iterdir():
        is_part = entry.name.startswith(f".{PLAN}.") or entry.name.startswith(f".{PREREGISTRATION}.")
        if entry.name not in (LOCK, PLAN) and not is_part:
            raise RunError(f"{out} holds no comparison (it has no {PREREGISTRATION})")


def _with_new_settings(registered: dict[str, Any]) -> dict[str, Any]:
    """Registered data, in which settings that this version has and that of registration had not are at their defaults.

    Raises:
        ValueError, TypeError, LookupError: it is not such data, or this version lacks one of its settings.
    """
    params = rung(registered["rung"]).params
    tests = registered["tests"].items()
    return {
        **registered,
        "arms": {name: Experiment.from_dict(data).to_dict() for name, data in registered["arms"].items()},
        "tests": {
            test: {arm: {**place, "world": to_dict(from_dict(params, place["world"]))} for arm, place in worlds.items()}
            for test, worlds in tests
        },
    }


def _first_difference(registered: Any, now: Any, where: str = "") -> str | None:
    """The first thing that differs, as ``where: this, not that``."""
    if isinstance(registered, dict) and isinstance(now, dict):
        for key in (*registered, *(key for key in now if key not in registered)):
            place = f"{where}.{key}" if where else str(key)
            if key not in now:
                return f"{place} is registered, and missing now"
            if key not in registered:
                return f"{place} is not registered"
            if (difference := _first_difference(registered[key], now[key], place)) is not None:
                return difference
        return None
    return None if registered == now else f"{where} is {_short(registered)}, not {_short(now)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
