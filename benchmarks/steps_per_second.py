"""How many steps per second: worlds alone, beside Gymnax's own, and world and brain together with evolution.

    python benchmarks/steps_per_second.py            # a table
    python benchmarks/steps_per_second.py --json     # one JSON object

All cases take turns within every round of one process, so that a shared machine's drift hits them alike; compare them
as ratios. Worlds alone take uniformly random actions on one device through ``step`` (with auto-reset) or the bare
``step_env``. World and brain together is the trainer's own compiled scan on all devices: genomes × lives × 128 steps
a generation, ask and tell included, validation left out.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from koki2_train.platform_setup import available_cores, set_up

Case = tuple[str, int, Callable[[], Any]]


def world_alone(env: Any, params: Any, num_worlds: int, num_steps: int, auto_reset: bool) -> Callable[[], Any]:
    import jax

    def one_step(key: Any, state: Any) -> tuple[Any, Any]:
        act_key, step_key = jax.random.split(key)
        action = env.action_space(params).sample(act_key)
        step = env.step if auto_reset else env.step_env
        observation, state, reward, *_ = step(step_key, state, action, params)
        return state, (observation.sum() + reward)

    def scan_step(carry: tuple[Any, Any], key: Any) -> tuple[Any, Any]:
        state, total = carry
        state, value = jax.vmap(one_step)(jax.random.split(key, num_worlds), state)
        return (state, total + value.sum()), None

    @jax.jit
    def run(key: Any) -> Any:
        reset_key, run_key = jax.random.split(key)
        _, state = jax.vmap(env.reset, in_axes=(0, None))(jax.random.split(reset_key, num_worlds), params)
        (state, total), _ = jax.lax.scan(scan_step, (state, 0.0), jax.random.split(run_key, num_steps))
        return total

    return lambda: jax.block_until_ready(run(jax.random.key(0)))


def world_and_brain(
    rung: str, episodes: int, generations: int, settings: dict[str, Any]
) -> tuple[int, Callable[[], Any]]:
    import jax
    import jax.numpy as jnp

    from koki2_train.evaluation import replicate
    from koki2_train.experiment import Experiment
    from koki2_train.training import advance, start

    never = {"validate_every": 10**9}
    experiment = Experiment.build(rung, {"episodes": episodes, **never, **settings})
    program = experiment.program()
    root = replicate(program.task.mesh, jax.random.key(0))
    state = jax.block_until_ready(start(program, root))
    last = replicate(program.task.mesh, jnp.asarray(2**30, jnp.int32))
    steps = generations * experiment.env_steps_per_generation
    return steps, lambda: jax.block_until_ready(advance(program, experiment.params, root, state, last, generations))


def make_cases(num_worlds: int, num_steps: int, generations: int, genomes: int) -> list[Case]:
    import gymnax

    import koki2_envs

    def variant(name: str, **knobs: Any) -> tuple[Any, Any]:
        env, params = koki2_envs.make(name)
        return env, params.replace(**knobs)

    worlds = {
        "FourRooms-misc (Gymnax)": gymnax.make("FourRooms-misc"),
        "CartPole-v1 (Gymnax)": gymnax.make("CartPole-v1"),
        **{name: koki2_envs.make(name) for name in koki2_envs.RUNGS},
        "L1.1 with obs_noise 0.1": variant("L1.1", obs_noise=0.1),
    }
    cases: list[Case] = []
    for name, (env, params) in worlds.items():
        for auto_reset in (True, False):
            label = f"{name}, {'step' if auto_reset else 'step_env'}, {num_worlds} worlds"
            cases.append((label, num_worlds * num_steps, world_alone(env, params, num_worlds, num_steps, auto_reset)))
    for rung, episodes, settings in (("L0.2", 8, {}), ("L0.2", 32, {}), ("L1.1", 8, {}), ("L0.2", 8, {"mvt": True})):
        steps, run = world_and_brain(rung, episodes, generations, {"pop_size": genomes, **settings})
        extra = ", MVT" if settings else ""
        cases.append((f"{rung} with brain and evolution{extra}, {genomes} genomes × {episodes} lives", steps, run))
    return cases


def measure(cases: list[Case], rounds: int) -> list[dict[str, Any]]:
    rows = []
    for label, steps, run in cases:
        began = time.perf_counter()
        run()
        rows.append({"case": label, "steps": steps, "first_call_s": time.perf_counter() - began, "seconds": []})
        print(f"compiled {label}", file=sys.stderr, flush=True)
    for _ in range(rounds):
        for row, (_, _, run) in zip(rows, cases, strict=True):
            began = time.perf_counter()
            run()
            row["seconds"].append(time.perf_counter() - began)
    for row in rows:
        rates = sorted(row["steps"] / s / 1e6 for s in row.pop("seconds"))
        row |= {"msteps_median": statistics.median(rates), "msteps_min": rates[0], "msteps_max": rates[-1]}
        row["compile_s"] = max(0.0, row["first_call_s"] - row["steps"] / row["msteps_median"] / 1e6)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=2048)
    parser.add_argument("--steps", type=int, default=500, help="steps of the worlds alone")
    parser.add_argument("--generations", type=int, default=20)
    parser.add_argument("--genomes", type=int, default=128, help="population of world and brain together")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="only cases whose name contains this")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    set_up(compilation_cache=False)
    import jax

    cases = [c for c in make_cases(args.worlds, args.steps, args.generations, args.genomes) if args.only in c[0]]
    rows = measure(cases, args.rounds)
    reference = next((r["msteps_median"] for r in rows if r["case"].startswith("FourRooms-misc (Gymnax), step,")), None)
    facts = {
        "device": jax.devices()[0].device_kind,
        "devices": len(jax.devices()),
        "cpu_cores": available_cores(),
        "versions": {
            p: importlib.metadata.version(p) for p in ("koki2-envs", "koki2-train", "jax", "gymnax", "evosax")
        },
        "rounds": args.rounds,
    }
    if args.json:
        print(json.dumps({**facts, "rows": rows}, indent=1))
        return
    print(json.dumps(facts))
    print(f"{'case':66} {'M steps/s median':>16} {'min':>8} {'max':>8} {'compile s':>10} {'vs FourRooms step':>18}")
    for r in rows:
        ratio = f"{r['msteps_median'] / reference:.2f}×" if reference and "brain" not in r["case"] else ""
        values = f"{r['msteps_median']:16.2f} {r['msteps_min']:8.2f} {r['msteps_max']:8.2f} {r['compile_s']:10.2f}"
        print(f"{r['case']:66} {values} {ratio:>18}")


if __name__ == "__main__":
    main()
