"""Tables of comparisons: arms, paired differences, controls and policies of each world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from koki2_train.cli.output import in_thousands, number, print_table, say, variant_title

_DIFFERENCE_COLUMNS = ("difference [95 %]", "IQM [95 %]", "P(larger) [95 %]", "p")


def print_comparison(result: Mapping[str, Any]) -> None:
    """Everything of a result that is for people: the world of evaluation, the held-out variant and the tests."""
    say(f"{result['title']}: {result['question']}")
    world = "one world without nursing" if result["test_world"] == "adult" else "each arm's own world"
    lives = f"{result['rung']}, {len(result['seeds'])} seeds an arm, {result['episodes']} held-out lives in {world}"
    _print_world(result, result, lives)
    if "held_out" in result:
        _print_world(result, result["held_out"], f"{lives}, {variant_title(result['held_out']['knobs'])}")
    for name, test in result["tests"].items():
        _print_world(result, test, f"{lives}, test {name}")


def _print_world(result: Mapping[str, Any], world: Mapping[str, Any], title: str) -> None:
    metric = result["primary"].replace("_", " ")
    say()
    columns = ["arm", f"{metric} [95 %]", "IQM [95 %]", "median", "normalized"]
    rows = [[arm["arm"], *_summary(arm["primary"]), number(arm["normalized"], 3)] for arm in world["arms"]]
    if world is result:
        columns += ["generations", "world steps"]
        for row, arm in zip(rows, world["arms"], strict=True):
            row += [str(arm["generations"]), in_thousands(arm["env_steps"])]
    print_table(title, columns, rows)
    if "policies" in world:
        policies = world["policies"].items()
        say(", ".join(f"{name} {number(metrics[result['primary']]['mean'])}" for name, metrics in policies))
    rows = [[f"{pair['arm']} − {pair['minus']}", *difference_cells(pair)] for pair in world["comparisons"]]
    effect = number(result["smallest_effect"], 3)
    say()
    print_table(
        f"Differences in {metric}, paired by seed (smallest effect {effect})", ["arms", *difference_columns()], rows
    )
    if world["controls"]:
        say()
        rows = [
            [each["arm"], each["control"].replace("_", " "), _mean(each["primary"]), *difference_cells(each)]
            for each in world["controls"]
        ]
        title = "Controls: every arm that learns minus itself under a control"
        print_table(title, ["arm", "control", f"{metric} [95 %]", *difference_columns()], rows, keys=2)


def difference_columns(*, corrected: bool = True) -> list[str]:
    """Headings of :func:`difference_cells`, with a p value corrected for several comparisons or without."""
    return [*_DIFFERENCE_COLUMNS, *["p (Holm)"] * corrected, "verdict"]


def difference_cells(compared: Mapping[str, Any]) -> list[str]:
    """The cells of one comparison, as :func:`koki2_train.studies.paired_tests.compare_paired` gives it."""
    difference, improvement = compared["difference"], compared["probability_of_improvement"]
    p_values = [number(compared[name], 4) for name in ("p", "p_holm") if name in compared]
    return [
        _mean(difference),
        _with_interval(difference["iqm"], difference["iqm_ci95"]),
        _with_interval(improvement["value"], improvement["ci95"]),
        *p_values,
        compared["verdict"],
    ]


def _summary(summary: Mapping[str, Any]) -> list[str]:
    return [_mean(summary), _with_interval(summary["iqm"], summary["iqm_ci95"]), number(summary["median"])]


def _mean(summary: Mapping[str, Any]) -> str:
    return _with_interval(summary["mean"], summary["ci95"])


def _with_interval(value: float, interval: Sequence[float | None]) -> str:
    low, high = interval
    return number(value) if low is None else f"{number(value)} [{number(low)}, {number(high)}]"
