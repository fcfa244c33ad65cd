"""Settings of the search by random search: how the defaults of evolution were found.

    python benchmarks/search_settings.py L0.2 --minutes 10 --out search.jsonl
    python benchmarks/search_settings.py --show search.jsonl

Every worker process owns one CPU device, draws settings, evolves each with all seeds, evaluates the champions on
held-out lives that no final evaluation uses, and appends a line. ``--fixed key=value`` pins settings,
``--around key=value`` narrows a search to a factor of two around a value.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import statistics
import time
from pathlib import Path
from typing import Any

TEST_SEED = 777


def draw(rng: random.Random) -> dict[str, Any]:
    def log_uniform(low: float, high: float) -> float:
        return float(f"{low * (high / low) ** rng.random():.3g}")

    sigma = log_uniform(0.03, 0.6)
    return {
        "sigma": sigma,
        "lr": float(f"{sigma * log_uniform(0.15, 2.5):.3g}"),
        "sigma_decay": rng.choice([1.0, 1.0, 0.997, 0.99]),
        "lr_decay": rng.choice([1.0, 0.995, 0.99, 0.98]),
        "sigma_floor": rng.choice([0.1, 0.3]),
        "lr_floor": rng.choice([0.03, 0.1, 0.3]),
        "adam_b1": rng.choice([0.0, 0.5, 0.8, 0.9, 0.95]),
        "adam_b2": rng.choice([0.9, 0.99, 0.999]),
        "weight_decay": rng.choice([0.0, 0.0, 0.003, 0.01, 0.03]),
        "init_scale": rng.choice([0.1, 0.1, 0.3]),
    }


def score(rung: str, settings: dict[str, Any], seeds: range, episodes: int) -> dict[str, Any]:
    import jax
    import jax.numpy as jnp

    from koki2_train.evolution import Program, evolve
    from koki2_train.experiment import Experiment, Trial
    from koki2_train.random_streams import Stream, life_keys, stream_key
    from koki2_train.rollout.knobs import Knobs
    from koki2_train.rollout.population import compiled_rollout

    experiment = Experiment.build(rung, settings)
    program, champions, means = Program.of(experiment, 1), [], []
    for seed in seeds:
        state, _ = evolve(Trial(experiment, seed), 1)
        champions.append(state.champion)
        means.append(program.strategy.candidates(state.strategy)[0])
    keys = life_keys(stream_key(jax.random.key(TEST_SEED), Stream.TEST), episodes)
    lives = compiled_rollout(program.problem, Knobs.of(experiment), jnp.stack(champions + means), keys)
    fitness = [float(f) for f in lives.fitness.mean(axis=1)]
    half = len(champions)
    return {
        "champion": statistics.mean(fitness[:half]),
        "mean": statistics.mean(fitness[half:]),
        "by_seed": fitness[:half],
    }


def work(index: int, args: argparse.Namespace, fixed: dict[str, Any], around: dict[str, Any]) -> None:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    import jax

    jax.config.update("jax_platforms", "cpu")
    rng = random.Random(args.search_seed * 10_000 + index)
    stop = time.monotonic() + 60 * args.minutes
    while time.monotonic() < stop:
        settings = (
            draw(rng)
            | {name: float(f"{value * 2 ** rng.uniform(-1, 1):.3g}") for name, value in around.items()}
            | fixed
        )
        row = {
            "settings": settings,
            **score(args.rung, settings, range(args.first_seed, args.first_seed + args.seeds), 512),
        }
        with Path(args.out).open("a") as file:
            file.write(json.dumps(row) + "\n")
        jax.clear_caches()


def show(path: str, most: int = 25) -> None:
    rows = [json.loads(line) for line in Path(path).read_text().splitlines()]
    for row in sorted(rows, key=lambda r: -r["champion"])[:most]:
        seeds = " ".join(f"{f:.0f}" for f in row["by_seed"])
        settings = " ".join(f"{k}={v}" for k, v in row["settings"].items())
        print(f"{row['champion']:.1f} (mean {row['mean']:.1f}; {seeds}) {settings}")
    print(f"{len(rows)} settings")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rung", nargs="?", default="L0.2")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=100, help="not the seeds that results are reported for")
    parser.add_argument("--search-seed", type=int, default=0)
    parser.add_argument("--fixed", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--around", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--out", default="search.jsonl")
    parser.add_argument("--show", metavar="FILE")
    args = parser.parse_args()
    if args.show:
        show(args.show)
        return
    from koki2_train.experiment.settings import parse_setting

    def pairs(texts: list[str]) -> dict[str, Any]:
        return {key: parse_setting(key, value) for key, value in (text.split("=", 1) for text in texts)}

    context = multiprocessing.get_context("spawn")
    fixed, around = pairs(args.fixed), pairs(args.around)
    workers = [context.Process(target=work, args=(i, args, fixed, around)) for i in range(args.workers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    show(args.out)


if __name__ == "__main__":
    main()
