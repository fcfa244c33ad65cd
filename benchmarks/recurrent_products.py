"""Recurrent products: the speed of dense and of sparse synapses, and the size from which on sparse is faster.

    python benchmarks/recurrent_products.py                      # a table
    python benchmarks/recurrent_products.py --figure curves.png  # also drawn
    python benchmarks/recurrent_products.py --json               # one JSON object

Random genomes live L0.2 on all devices, without evolution. All cases take turns within every round of one process, so
that a shared machine's drift hits them alike; compare them as ratios. The crossing is read between measured sizes, on
straight lines in the logarithms.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

from koki2_train.bench.machine import machine_and_versions
from koki2_train.bench.timing import Case, Row, compile_and_take_turns
from koki2_train.runtime.jax_setup import set_up

KINDS = ("dense", "sparse")
LIVES = (8, 32)
STEPS = 64
NEURONS_AT_ONCE = 8192  # how many a population has at most; it has 4 to 128 genomes
COLOURS = {"dense": "#4c72b0", "sparse": "#dd8452"}


def compile_evaluation(settings: dict[str, Any], genomes: int, lives: int, repeats: int) -> Callable[[], Any]:
    """A call that evaluates random genomes a number of times."""
    import jax

    from koki2_train.experiment import Experiment
    from koki2_train.random_streams import life_keys
    from koki2_train.rollout.knobs import Knobs
    from koki2_train.rollout.population import compiled_rollout
    from koki2_train.rollout.problem import Problem

    experiment = Experiment.build("L0.2", {**settings, "steps": STEPS})
    problem = Problem.of(experiment)
    population = jax.vmap(problem.genome.init)(jax.random.split(jax.random.key(0), genomes))
    arguments = (Knobs.of(experiment), population, life_keys(jax.random.key(1), lives))
    compiled = compiled_rollout.lower(problem, *arguments).compile()

    def run() -> None:
        for _ in range(repeats):
            jax.block_until_ready(compiled(*arguments))

    return run


def weight_bytes(settings: dict[str, Any]) -> int:
    """Memory of one genome's developed brain."""
    import jax
    import jax.numpy as jnp

    from koki2_train.experiment import Experiment
    from koki2_train.rollout.problem import Problem

    problem = Problem.of(Experiment.build("L0.2", settings))
    weights = jax.eval_shape(
        functools.partial(problem.develop, knobs={}), jax.ShapeDtypeStruct((problem.genome.size,), jnp.float32)
    )
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(weights))


def make_case(neurons: int, k_edges: int, lives: int, kind: str) -> Case:
    settings = {"n_neurons": neurons, "k_edges": k_edges, "sparse_from": 1 if kind == "sparse" else 10**6}
    genomes = min(128, max(4, NEURONS_AT_ONCE // neurons))
    repeats = max(1, 512 // neurons)
    facts = {
        "case": f"{neurons} neurons, {lives} lives, {kind}",
        "neurons": neurons,
        "lives": lives,
        "kind": kind,
        "genomes": genomes,
        "weight_bytes": weight_bytes(settings),
    }
    compile_it = functools.partial(compile_evaluation, settings, genomes, lives, repeats)
    return Case(facts, repeats * genomes * lives * STEPS, compile_it)


def crossing(rows: Sequence[Row], lives: int) -> float | None:
    """The size from which on sparse stays faster, N as a float; None where it is at none or at all measured sizes."""
    speed = {(row["neurons"], row["kind"]): row["msteps_median"] for row in rows if row["lives"] == lives}
    sizes = sorted({neurons for neurons, _ in speed})
    lead = [math.log(speed[n, "sparse"] / speed[n, "dense"]) for n in sizes]
    for (n, a), (m, b) in reversed(list(itertools.pairwise(zip(sizes, lead, strict=True)))):
        if a < 0 <= b:
            return math.exp(math.log(n) + math.log(m / n) * a / (a - b))
    return None


def draw(rows: Sequence[Row], k_edges: int, device: str, path: str) -> None:
    """Both curves against N for every number of lives, and where they cross."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.2), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"Dense and truly sparse synapses, k = {k_edges} recurrent inputs a neuron ({device})")
    panels = figure.subplots(1, len(LIVES), sharey=True)
    for panel, lives in zip(panels, LIVES, strict=True):
        for kind in KINDS:
            mine = [row for row in rows if (row["lives"], row["kind"]) == (lives, kind)]
            sizes = [row["neurons"] for row in mine]
            low, middle, high = ([1e6 * row[f"msteps_{end}"] for row in mine] for end in ("min", "median", "max"))
            panel.plot(sizes, middle, "o-", color=COLOURS[kind], label=kind)
            panel.fill_between(sizes, low, high, color=COLOURS[kind], alpha=0.2, linewidth=0)
        where = crossing(rows, lives)
        if where is not None:
            panel.axvline(where, color="grey", linestyle=":", label=f"crossing, N ≈ {where:.0f}")
        panel.set(xscale="log", yscale="log", title=f"{lives} lives a genome", xlabel="neurons N")
        panel.set_xticks(sizes, [str(size) for size in sizes], rotation=45)
        panel.minorticks_off()
        panel.grid(alpha=0.3)
        panel.legend(loc="lower left")
    panels[0].set_ylabel("world steps per second, median and range")
    figure.savefig(path)


def print_table(rows: Sequence[Row]) -> None:
    by_case = {(row["neurons"], row["lives"], row["kind"]): row for row in rows}
    speed, memory = [[f"{kind} {unit}" for kind in KINDS] for unit in ("k steps/s", "kB")]
    print(f"{'N':>5} {'lives':>5} {speed[0]:>24} {speed[1]:>24} {'ratio':>6} {memory[0]:>9} {memory[1]:>9}")
    for neurons, lives in sorted({(n, count) for n, count, _ in by_case}, key=lambda case: case[::-1]):
        dense, sparse = (by_case[neurons, lives, kind] for kind in KINDS)
        speeds = [
            f"{1e3 * row['msteps_median']:.1f} ({1e3 * row['msteps_min']:.1f} to {1e3 * row['msteps_max']:.1f})"
            for row in (dense, sparse)
        ]
        ratio = sparse["msteps_median"] / dense["msteps_median"]
        held = [row["weight_bytes"] / 1e3 for row in (dense, sparse)]
        print(f"{neurons:5} {lives:5} {speeds[0]:>24} {speeds[1]:>24} {ratio:5.2f}× {held[0]:9.1f} {held[1]:9.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--k-edges", type=int, default=8, help="recurrent inputs per neuron")
    parser.add_argument("--largest", type=int, default=2048, help="largest number of neurons")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--figure", metavar="FILE", help="draw the curves into this picture")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    sizes = [n for n in (2**power for power in range(4, 14)) if args.k_edges < n <= args.largest]
    if args.k_edges < 1 or len(sizes) < 2 or args.rounds < 1:
        parser.error("--k-edges and --rounds must be at least 1, and two sizes lie between --k-edges and --largest")
    set_up(compilation_cache=False)
    cases = [make_case(n, args.k_edges, lives, kind) for lives in LIVES for n in sizes for kind in KINDS]
    rows = compile_and_take_turns(cases, args.rounds, lambda text: print(text, file=sys.stderr, flush=True))
    facts = machine_and_versions(None) | {"k_edges": args.k_edges, "rounds": args.rounds}
    crossings = {str(lives): crossing(rows, lives) for lives in LIVES}
    if args.figure:
        draw(rows, args.k_edges, f"{facts['devices']} × {facts['device']}", args.figure)
    if args.json:
        print(json.dumps({**facts, "crossings": crossings, "rows": rows}, indent=1))
        return
    print(json.dumps(facts))
    print_table(rows)
    for lives, where in crossings.items():
        shown = "none within these sizes" if where is None else f"N ≈ {where:.0f}"
        print(f"crossing at {lives} lives a genome: {shown}")


if __name__ == "__main__":
    main()
