"""Roofline: peaks of this machine, and the cost of a step of world and brain."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from koki2_train.bench.evolution import in_words, timed_experiment
from koki2_train.bench.plan import Plan
from koki2_train.bench.timing import Case, Report, Row, compile_and_time

if TYPE_CHECKING:
    from koki2_train.rollout.problem import Problem

Compile = Callable[[Any], Callable[[], Any]]
"""Compiles something for a mesh of devices, and returns the call."""

_COLUMNS = ("giga_median", "giga_min", "giga_max", "flops", "bytes", "product_ns", "traffic_ns")
_LIVES = (8, 32)
_ROUND = 200_000_000  # operations, or bytes, of a call on each device, about
_GENOMES = 16  # what a step asks for is counted over so many genomes; the count per step does not depend on it


def roofline(plan: Plan, report: Report) -> list[Row]:
    """Measures the peaks of all devices together, and counts what a step asks for.

    Returns:
        First a row a peak: ``giga_median``, ``_min`` and ``_max``, billions per second of what ``case`` names. Then a
        row a step: ``flops`` and ``bytes`` per step of one life, as XLA counts them in its compiled code (bytes of
        every kernel's arguments and results, most of which stay in caches), and ``product_ns`` and ``traffic_ns``: how
        long they take at the measured peaks of a brain's products and of the caches. What a row has not is None.
    """
    from koki2_train.rollout.problem import Problem
    from koki2_train.runtime.devices import population_mesh

    mesh = population_mesh(plan.devices)
    size = plan.peak_size
    work = {
        "products": (f"FLOP/s in products of {8 * size} × {8 * size}", *_products(1, 8 * size, 8 * size, 8 * size)),
        "brain_products": ("FLOP/s in products of a brain's size, 8 × 36 × 32", *_products(size, 8, 36, 32)),
        "caches": (f"bytes/s through caches, {4 * size} KiB copied over and over", *_copies(1024 * size, 1)),
        "memory": (f"bytes/s through memory, {size} MiB copied over and over", *_copies(256 * 1024 * size, 16)),
    }
    cases = [
        Case({"case": name, "key": key}, mesh.size * amount, partial(compiler, mesh))
        for key, (name, amount, compiler) in work.items()
    ]
    rows = compile_and_time(cases, plan.rounds, report)
    peaks = [
        {"case": row["case"], **{f"giga_{end}": row[f"msteps_{end}"] / 1e3 for end in ("median", "min", "max")}}
        for row in rows
    ]
    peak = {row["key"]: shown["giga_median"] for row, shown in zip(rows, peaks, strict=True)}
    costs = []
    for lives in _LIVES:
        report(f"counting a step with {in_words(lives)}")
        problem = Problem.of(timed_experiment(plan, "L0.2", {"pop_size": 2}), plan.devices)
        flops, traffic = _cost_per_step(problem, lives)
        times = {"product_ns": flops / peak["brain_products"], "traffic_ns": traffic / peak["caches"]}
        costs.append({"case": f"a step of L0.2, {in_words(lives)}", "flops": flops, "bytes": traffic, **times})
    return [dict.fromkeys(_COLUMNS) | row for row in peaks + costs]


def _products(batch: int, m: int, k: int, n: int) -> tuple[int, Compile]:
    """Products of (m, k) and (k, n) matrices, and back, a batch at a time: operations of a call, and its compiler."""
    forth_and_back = 4 * batch * m * k * n
    rounds = max(1, _ROUND // forth_and_back)
    shapes = ((batch, m, k), (batch, k, n), (batch, n, k))

    def once(x: Any, forth: Any, back: Any) -> Any:
        return (x @ forth) @ back

    return forth_and_back * rounds, lambda mesh: _repeated(mesh, once, shapes, 1.0 / (k * n) ** 0.5, rounds)


def _copies(numbers: int, at_least: int) -> tuple[int, Compile]:
    """Float32 numbers read and written again, ``at_least`` so many times: bytes of a call, and its compiler."""
    rounds = max(at_least, _ROUND // (8 * numbers))
    return 8 * numbers * rounds, lambda mesh: _repeated(mesh, lambda x: x + 1.0, ((numbers,),), 1.0, rounds)


def _repeated(
    mesh: Any, once: Callable[..., Any], shapes: tuple[tuple[int, ...], ...], value: float, rounds: int
) -> Callable[[], Any]:
    """Compiles ``rounds`` calls of ``once``, each on what the last one returned, on every device at once.

    Args:
        mesh: the devices.
        once: of arrays; returns one like the first.
        shapes: their shapes.
        value: what they are filled with.
        rounds: how many calls.
    """
    import jax
    import jax.numpy as jnp

    from koki2_train.runtime.devices import on_every_device, replicate

    def run(x: Any, *others: Any) -> Any:
        return jax.lax.fori_loop(0, rounds, lambda _, x: once(x, *others), x)

    arrays = [replicate(mesh, jnp.full(shape, value, jnp.float32)) for shape in shapes]
    compiled = jax.jit(lambda *arrays: on_every_device(mesh, run, *arrays)).lower(*arrays).compile()
    return lambda: jax.block_until_ready(compiled(*arrays))


def _cost_per_step(problem: Problem, lives: int) -> tuple[float, float]:
    """Floating-point operations and bytes per step of one life, in XLA's count of the compiled code."""
    import jax

    from koki2_train.rollout.knobs import Knobs

    brain = problem.brain.settings.dynamic()
    knobs, brain = Knobs(problem.env.default_params, brain).with_constants(problem.idle)
    key = jax.random.key(0)

    def born(weights: Any, key: Any) -> Any:
        return *problem.env.reset_env(key, knobs), problem.brain.init(weights)

    def step(weights: Any, observation: Any, state: Any, carry: Any) -> Any:
        action, carry = problem.brain.act(weights, carry, observation, key)
        return problem.env.step_env(key, state, action, knobs)[:3], carry

    genomes = jax.vmap(problem.genome.init)(jax.random.split(key, _GENOMES))
    weights = jax.vmap(partial(problem.develop, knobs=brain))(genomes)
    births = jax.vmap(jax.vmap(born, (None, 0)))(weights, jax.random.split(key, (_GENOMES, lives)))
    steps = jax.jit(jax.vmap(jax.vmap(step, (None, 0, 0, 0)))).lower(weights, *births).compile()
    cost: Any = steps.cost_analysis()
    return cost["flops"] / (_GENOMES * lives), cost["bytes accessed"] / (_GENOMES * lives)
