"""Steps per second: of the worlds alone, and of world and brain with evolution.

    python benchmarks/steps_per_second.py           # a minute or two
    python benchmarks/steps_per_second.py --quick   # everything tiny, to see that it works; the numbers mean nothing

These are the sections ``worlds`` and ``training`` of ``koki2-train bench``, which measures more; docs/benchmarks.md
says what each case is and how to read it.
"""

from __future__ import annotations

import argparse
import sys

from koki2_train.bench import Plan, measure
from koki2_train.bench.machine import machine_and_versions
from koki2_train.runtime.jax_setup import set_up


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, help="spread populations over so many devices (default: all)")
    parser.add_argument("--quick", action="store_true", help="everything tiny")
    args = parser.parse_args()
    set_up(args.devices, compilation_cache=False)
    facts = machine_and_versions(args.devices)
    plan = Plan.quick(args.devices) if args.quick else Plan(args.devices)
    print(f"{facts['devices']} × {facts['device']} ({facts['machine']}), {facts['cpu_cores']} CPU cores")
    print(f"{'steps per second, median of ' + str(plan.rounds):60} {'median':>12} {'least':>12} {'greatest':>12}")
    for section in ("worlds", "training"):
        for row in measure(section, plan, lambda text: print(text, file=sys.stderr, flush=True)):
            speeds = (f"{1e6 * row[f'msteps_{end}']:12,.0f}" for end in ("median", "min", "max"))
            print(f"{row['case']:60}", *speeds)


if __name__ == "__main__":
    main()
