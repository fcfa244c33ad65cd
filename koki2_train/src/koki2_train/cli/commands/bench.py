"""``koki2-train bench``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from koki2_envs.suggestions import did_you_mean
from koki2_train.bench import SECTIONS, BenchError, Plan, in_fresh_process, measure
from koki2_train.cli.options import COUNT, PATH, devices_option, json_option
from koki2_train.cli.output import number, print_json, print_table, printable, say, tell
from koki2_train.cli.streams import lost_output

_MIB = 1 / 2**20
_COMPILE = ("compile s", "compile_s", 1.0, 2)


def _spread(heading: str, name: str, digits: int) -> tuple[tuple[str, str, float, int], ...]:
    """The columns of a median and the ends of its range."""
    ends = (f"{heading}, median", "median"), ("min", "min"), ("max", "max")
    return tuple((shown, f"{name}_{end}", 1.0, digits) for shown, end in ends)


_COLUMNS: dict[str, tuple[tuple[str, str, float, int], ...]] = {
    "cold_start": _spread("seconds", "seconds", 2),
    "compiles": (("compilations", "compilations", 1, 0), ("seconds", "seconds", 1.0, 2)),
    "memory": (
        ("imported, MiB", "imported_bytes", _MIB, 0), ("compiled, MiB", "compiled_bytes", _MIB, 0),
        ("one generation, MiB", "generation_bytes", _MIB, 0), ("on the device, MiB", "device_bytes", _MIB, 0),
    ),
    "worlds": (*_spread("M steps/s", "msteps", 2), ("× FourRooms step", "beside_fourrooms", 1.0, 2), _COMPILE),
    "training": (*_spread("M steps/s", "msteps", 2), _COMPILE),
    "brains": (*_spread("M steps/s", "msteps", 3), ("M neurons/s", "neuron_updates_median", 1.0, 0)),
    "lives": (("M steps/s, median", "msteps_median", 1.0, 2), *_spread("ns/step", "ns_per_step", 1)),
    "learning": (*_spread("M steps/s", "msteps", 2), ("× fixed weights", "times_fixed_median", 1.0, 2)),
    "roofline": (
        *_spread("billions/s", "giga", 1), ("FLOP", "flops", 1.0, 0), ("bytes", "bytes", 1.0, 0),
        ("products, ns", "product_ns", 1.0, 1), ("caches, ns", "traffic_ns", 1.0, 1),
    ),
}  # fmt: skip
"""Heading, name in a row, factor and digits of every column but the first, by section."""


def _check_sections(ctx: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> list[str]:
    for name in value:
        if name not in SECTIONS:
            hint = did_you_mean(name, SECTIONS)
            raise click.UsageError(f"unknown section {name!r}{hint}; there are {', '.join(SECTIONS)}")
    return [name for name in SECTIONS if name in value]


def _complete_sections(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in SECTIONS if name.startswith(incomplete)]


def _check_trace_folder(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    for place in (value, *value.parents) if value else ():
        if place.exists() and not place.is_dir():
            raise click.UsageError(f"--profile: {place} is not a folder")
    if value and value.exists() and any(value.iterdir()):
        raise click.UsageError(f"--profile: {value} is not empty; choose another folder")
    return value


@click.command("bench")
@click.argument(
    "sections", nargs=-1, callback=_check_sections, metavar="[SECTION]...", shell_complete=_complete_sections
)
@click.option("--rounds", type=COUNT, help="How often each case is timed.  [default: 3]")
@click.option("--worlds", "num_worlds", type=COUNT, help="Worlds side by side in `worlds`.  [default: 2048]")
@click.option("--quick", is_flag=True, help="Everything tiny, to see that all works; the numbers mean nothing.")
@click.option(
    "--profile", "trace", type=PATH, callback=_check_trace_folder, metavar="DIR",
    help="Write a trace of three generations into DIR; without a SECTION nothing else is done.",
)  # fmt: skip
@devices_option
@json_option
def command(
    sections: list[str],
    rounds: int | None,
    num_worlds: int | None,
    quick: bool,
    trace: Path | None,
    devices: int | None,
    as_json: bool,
) -> None:
    """Measure the speed of this machine: all sections, or those named.

    cold_start, compiles, memory, worlds, training, brains, lives, roofline; docs/benchmarks.md says what each measures.
    Compiled programs are not kept, so that compile times are those of a first run.
    """
    given: dict[str, Any] = {
        name: value for name, value in (("rounds", rounds), ("num_worlds", num_worlds)) if value is not None
    }
    plan = Plan.quick(devices, **given) if quick else Plan(devices, **given)
    sections = sections or ([] if trace else list(SECTIONS))

    from koki2_train.runtime.jax_setup import set_up, start_error

    set_up(devices, False)  # compile times must be those of a first run
    from koki2_train.bench.machine import machine_and_versions

    try:
        facts = in_fresh_process(machine_and_versions, devices=devices)
        if not as_json:
            _print_facts(facts, plan, quick)
        measured = {}
        for name in sections:
            measured[name] = measure(name, plan, (lambda _: None) if as_json else tell)
            if not as_json:
                _print_section(name, measured[name])
                if lost_output() is not None:
                    break  # no one reads what would follow
        viewed = _trace(plan, trace, as_json) if trace else None
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except BenchError as error:
        raise click.ClickException(start_error(error) or str(error)) from None
    if as_json:
        print_json({"quick": quick, "rounds": plan.rounds, **facts, "sections": measured, "trace": viewed})


def _print_facts(facts: dict[str, Any], plan: Plan, quick: bool) -> None:
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    cache = "on: compile times are too short" if facts["compilation_cache"] else "off"
    say(f"{facts['devices']} × {facts['device']} ({facts['machine']}), {facts['cpu_cores']} CPU cores; {versions}")
    say(f"rounds: {plan.rounds}; compilation cache {cache}")
    if quick:
        say("--quick: everything is tiny, and the numbers mean nothing")


def _print_section(name: str, rows: list[dict[str, Any]]) -> None:
    columns = _COLUMNS[name]

    def cell(value: float | None, factor: float, digits: int) -> str:
        return number(None if value is None else value * factor, digits)

    table = [[row["case"], *(cell(row[key], factor, digits) for _, key, factor, digits in columns)] for row in rows]
    say()
    print_table(f"{name}: {SECTIONS[name].title}", ["case", *(heading for heading, *_ in columns)], table)


def _trace(plan: Plan, folder: Path, as_json: bool) -> str:
    from koki2_train.bench.trace import write_trace

    if not as_json:
        tell("tracing three generations")
    path = write_trace(plan, folder)
    if not as_json:
        shown, all_of_it = printable(path), printable(folder)
        say(f"{shown}: open it at https://ui.perfetto.dev, or all of it with: xprof --logdir {all_of_it}")
    return str(path)
