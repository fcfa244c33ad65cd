"""``koki2-train verify``."""

from __future__ import annotations

from typing import Any

import click

from koki2_train.cli.main import EXIT_FAILED
from koki2_train.cli.options import NamedChoice, devices_option, json_option
from koki2_train.cli.output import print_json, print_table, say, tell
from koki2_train.verification import GOLDEN_RUNS, Comparison, verify

_SHOWN = 3  # differences of a run


@click.command("verify")
@click.option("--only", "names", multiple=True, type=NamedChoice(tuple(GOLDEN_RUNS)), help="One golden run.")
@devices_option
@json_option
def command(names: tuple[str, ...], devices: int | None, as_json: bool) -> int:
    """Run the golden runs again, and compare them with what is kept of them.

    Where versions and machine are those on which they were frozen, all bits must agree; on another CPU, all numbers
    within a tolerance; on a GPU, the first generation and the kept champions' scores. Run it before scaling out.
    """
    from koki2_train.runtime.jax_setup import set_up

    set_up(devices, False)

    def report(name: str) -> None:
        if not as_json:
            tell(f"running {name}")

    try:
        elsewhere, comparisons = verify(names or tuple(GOLDEN_RUNS), devices, report)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        print_json(_as_json(elsewhere, comparisons))
    else:
        _print(elsewhere, comparisons)
    return EXIT_FAILED if any(comparison.differences for comparison in comparisons) else 0


def _as_json(elsewhere: dict[str, tuple[str, str]], comparisons: list[Comparison]) -> dict[str, Any]:
    return {
        "how": comparisons[0].how,
        "elsewhere": {name: {"frozen": there, "here": here} for name, (there, here) in elsewhere.items()},
        "runs": {
            comparison.name: [vars(difference) for difference in comparison.differences] for comparison in comparisons
        },
    }


def _print(elsewhere: dict[str, tuple[str, str]], comparisons: list[Comparison]) -> None:
    if elsewhere:
        say("Another machine or other versions than those on which the golden runs were frozen:")
        for name, (there, here) in elsewhere.items():
            say(f"  {name}: {there or 'none'} there, {here or 'none'} here")
        say(f"So they are compared {comparisons[0].how}, within a tolerance.")
    else:
        say("The machine and versions on which the golden runs were frozen: all bits must agree.")
    agrees = "within tolerance" if elsewhere else "same bits"
    rows = [[comparison.name, "DIFFERS" if comparison.differences else agrees] for comparison in comparisons]
    print_table("Golden runs", ["run", "result"], rows, words=True)
    for comparison in comparisons:
        for difference in comparison.differences[:_SHOWN]:
            say(f"{comparison.name}: {difference.where}: {difference.kept} kept, {difference.found} found")
        if (more := len(comparison.differences) - _SHOWN) > 0:
            say(f"{comparison.name}: and {more} more")
