"""Plans of comparisons: arms, paired seeds and all that is decided before the first run, read from TOML and checked."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koki2_envs.ladder import rung
from koki2_envs.suggestions import did_you_mean
from koki2_train.evaluation import problem_in_world, with_test_world
from koki2_train.evaluation.controls import CONTROLS, learns
from koki2_train.experiment import Experiment
from koki2_train.experiment.settings import by_full_name, join_settings, read_setting
from koki2_train.experiment.sources import read_preset
from koki2_train.rollout.metrics import METRICS
from koki2_train.studies import plan_fields as fields
from koki2_train.studies.cells import Cell, check_folders, check_names
from koki2_train.studies.equal_budget import at_budget
from koki2_train.studies.plan_fields import Table

TEST_WORLDS = ("adult", "own")
REQUIRED = ("title", "question", "rung", "seeds", "primary", "smallest_effect", "baseline", "arms")
"""The keys that every plan has."""
DEFAULTS: dict[str, Any] = {
    "episodes": 512, "test_seed": 0, "test_world": "adult", "comparisons": [], "controls": list(CONTROLS),
    "settings": {}, "tests": {},
}  # fmt: skip
"""The other keys, with their values where they are not given."""
_MOST_EPISODES = 2**31 - 1


@dataclass(frozen=True)
class Arm(Cell):
    """One of the things compared: settings that are run with every seed.

    Attributes:
        learns: whether its champions learn within a life, and so have controls.
    """

    learns: bool

    @property
    def env_steps(self) -> int:
        """World steps that one of its runs takes."""
        return self.experiment.env_steps_of_run(self.experiment.evolution.generations)


@dataclass(frozen=True)
class Plan:
    """A comparison as it is decided before the first run.

    Attributes:
        text: the TOML that it was read from.
        title: heading of tables and figure.
        question: what it is to answer, in one sentence.
        rung: the rung.
        seeds: of every arm, ascending; runs of one seed are a pair.
        primary: the metric that decides.
        smallest_effect: the smallest difference in it that matters.
        baseline: the arm with which all others are compared.
        episodes: held-out lives of every champion.
        test_seed: which lives.
        test_world: ``adult`` for one world without nursing for all, the baseline's; ``own`` for that of each arm.
        further: pairs of arms that are compared beside every arm with the baseline.
        controls: names of the controls that every arm that learns is evaluated with.
        arms: in the order of the plan, all with equal budgets of world steps.
        tests: settings of further worlds in which the same champions are evaluated, by name.
    """

    text: str
    title: str
    question: str
    rung: str
    seeds: tuple[int, ...]
    primary: str
    smallest_effect: float
    baseline: str
    episodes: int
    test_seed: int
    test_world: str
    further: tuple[tuple[str, str], ...]
    controls: tuple[str, ...]
    arms: tuple[Arm, ...]
    tests: Mapping[str, Table]

    @property
    def comparisons(self) -> tuple[tuple[str, str], ...]:
        """The pairs of arms that are compared, each as (arm, what it is compared with)."""
        against_baseline = ((arm.name, self.baseline) for arm in self.arms if arm.name != self.baseline)
        return (*against_baseline, *self.further)

    def worlds(self, changes: Table) -> dict[str, Experiment]:
        """The experiment in whose world the champions of each arm are evaluated, by the arm's name.

        Args:
            changes: settings of the world that differ; those of one of the tests, say.

        Raises:
            ValueError, TypeError: what is not a setting of the world, or an invalid value.
        """
        if self.test_world == "own":
            return {arm.name: with_test_world(arm.experiment, changes) for arm in self.arms}
        baseline = next(arm for arm in self.arms if arm.name == self.baseline)
        shared = with_test_world(baseline.experiment, changes, nursed=False)
        return {arm.name: shared for arm in self.arms}


def read_plan(path: Path) -> Plan:
    """The plan in a TOML file.

    Raises:
        ValueError, TypeError: it cannot be read, or is no valid plan; the message names the culprit.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # Windows writes a mark first
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{getattr(error, 'strerror', None) or error}") from None
    return parse_plan(text)


def parse_plan(text: str) -> Plan:
    """The plan in a TOML text, see :func:`read_plan`."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f"not TOML: {error}") from None
    _check_keys(data)
    table = {**DEFAULTS, **data}
    name = fields.text(table, "rung")
    rung(name)
    arms = _arms(
        name, fields.subtable(table, "settings"), fields.subtables(table, "arms"), fields.text(table, "baseline")
    )
    plan = Plan(
        text=text,
        title=fields.text(table, "title"),
        question=fields.text(table, "question"),
        rung=name,
        seeds=fields.seeds(table["seeds"]),
        primary=_metric(fields.text(table, "primary"), arms[0].experiment),
        smallest_effect=fields.positive(table, "smallest_effect"),
        baseline=table["baseline"],
        episodes=fields.whole(table, "episodes", 1, _MOST_EPISODES),
        test_seed=fields.whole(table, "test_seed", 0, fields.LARGEST_SEED),
        test_world=fields.choice("test_world", fields.text(table, "test_world"), TEST_WORLDS),
        further=_further(table["comparisons"], [arm.name for arm in arms], table["baseline"]),
        controls=_controls(table["controls"]),
        arms=arms,
        tests=_tests(fields.subtables(table, "tests")),
    )
    _check_worlds(plan)
    if plan.controls and "controls" in data and not any(arm.learns for arm in arms):
        raise ValueError("controls: no arm learns within a life, so that there is nothing to control")
    return plan


def _check_keys(data: Table) -> None:
    known = (*REQUIRED, *DEFAULTS)
    for key in data:
        if key not in known:
            raise ValueError(f"unknown key {key!r}{did_you_mean(key, known)}; a plan has {', '.join(known)}")
    for key in REQUIRED:
        if key not in data:
            raise ValueError(f"{key} is missing; a plan must have {', '.join(REQUIRED)}")


def _arms(rung_name: str, common: Table, tables: Mapping[str, Table], baseline: str) -> tuple[Arm, ...]:
    if len(tables) < 2:
        raise ValueError(f"arms: a comparison has at least two, got {len(tables)}")
    check_names("arm", tables)
    fields.choice("baseline", baseline, tables)
    experiments = {name: _experiment(rung_name, name, common, own) for name, own in tables.items()}
    first = experiments[baseline]
    budget = first.env_steps_of_run(first.evolution.generations)
    arms: list[Arm] = []
    for name, experiment in experiments.items():
        fitted = experiment if name == baseline else at_budget(f"arms.{name}", experiment, budget)
        if same := next((arm.name for arm in arms if arm.experiment == fitted), None):
            raise ValueError(f"arms {same!r} and {name!r} are the same experiment")
        arms.append(Arm(name, fitted, learns(fitted)))
    check_folders(arms)
    return tuple(arms)


def _experiment(rung_name: str, arm: str, common: Table, own: Table) -> Experiment:
    """The experiment of an arm: presets first, then the settings of all arms, then its own."""
    if "generations" in own:
        raise ValueError(f"arms.{arm}: it sets generations, but all arms have the same budget of world steps")
    of_all, of_arm = fields.named("settings", _take_presets, common), fields.named(f"arms.{arm}", _take_presets, own)
    try:
        return _build(rung_name, [*of_all[0], *of_arm[0], of_all[1], of_arm[1]])
    except (ValueError, TypeError) as error:
        culprit = f"arms.{arm}"
        try:
            _build(rung_name, [*of_all[0], of_all[1]])
        except (ValueError, TypeError) as without:
            culprit = "settings" if str(without) == str(error) else culprit
        raise type(error)(f"{culprit}: {error}") from None


def _build(rung_name: str, layers: Sequence[Table]) -> Experiment:
    """The experiment that tables of settings make, later ones winning."""
    settings: dict[str, Any] = {}
    for layer in layers:
        settings = join_settings(settings, by_full_name(layer.items()))
    return Experiment.build(rung_name, settings)


def _take_presets(table: Table) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The settings of the presets that a table names, and its own."""
    own = dict(table)
    names = own.pop("preset", [])
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"preset must be a name or a list of names, got {names!r}")
    return [read_preset(name) for name in names], own


def _check_worlds(plan: Plan) -> None:
    """Rejects arms whose champions cannot live in the worlds of evaluation."""
    for arm in plan.arms:
        fields.named(f"arms.{arm.name}", arm.experiment.make_world)
    usual = fields.named(f"test_world = {plan.test_world}", plan.worlds, {})
    for name, changes in {"": {}, **plan.tests}.items():
        where = f"tests.{name}" if name else f"test_world = {plan.test_world}"
        worlds = fields.named(where, plan.worlds, changes)
        if name and worlds == usual:
            raise ValueError(f"{where} changes nothing")
        for arm in plan.arms:
            if worlds[arm.name].brain != usual[arm.name].brain:
                raise ValueError(f"{where} changes the brain, which is the arm's own: a test is another world")
            fields.named(f"{where}, arms.{arm.name}", problem_in_world, arm.experiment, worlds[arm.name])


def _tests(tables: Mapping[str, Table]) -> dict[str, dict[str, Any]]:
    check_names("test", tables)

    def read(table: Table) -> dict[str, Any]:
        return {name: read_setting(name, value) for name, value in by_full_name(table.items()).items()}

    return {test: fields.named(f"tests.{test}", read, table) for test, table in tables.items()}


def _further(value: Any, arms: Sequence[str], baseline: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list):
        raise TypeError(f"comparisons must be a list of pairs of arms, got {value!r}")
    pairs: list[tuple[str, str]] = []
    planned = {frozenset((arm, baseline)) for arm in arms}
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(name, str) for name in pair):
            raise TypeError(f"comparisons: a pair is a list of two arms, got {pair!r}")
        for name in pair:
            fields.choice("comparisons", name, arms)
        if pair[0] == pair[1]:
            raise ValueError(f"comparisons: {pair[0]!r} is compared with itself")
        if frozenset(pair) in planned:
            raise ValueError(f"comparisons: {pair[0]!r} and {pair[1]!r} are compared already")
        planned.add(frozenset(pair))
        pairs.append((pair[0], pair[1]))
    return tuple(pairs)


def _controls(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise TypeError(f"controls must be a list of names, got {value!r}")
    for name in value:
        fields.choice("controls", name, CONTROLS)
    return tuple(name for name in CONTROLS if name in value)


def _metric(name: str, experiment: Experiment) -> str:
    return fields.choice("primary", name, (*METRICS, *experiment.make_world().metric_names))
