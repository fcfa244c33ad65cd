"""Speed of the worlds alone, relative to two of Gymnax's own: no brain, random actions, one device."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from koki2_train.bench.plan import Plan
from koki2_train.bench.timing import Case, Report, Row, compile_and_time

_YARDSTICK = "FourRooms-misc (Gymnax)"


def worlds(plan: Plan, report: Report) -> list[Row]:
    """Times every rung, and L1.1 with noisy senses, through ``step`` (with auto-reset) and the bare ``step_env``.

    Returns:
        A row a case, with ``beside_fourrooms``: its speed in units of FourRooms' through ``step``.
    """
    cases = [_case(name, *world, method, plan) for name, world in _worlds(plan).items() for method in _METHODS]
    rows = compile_and_time(cases, plan.rounds, report)
    yardstick = next(r for r in rows if r["world"] == _YARDSTICK and r["method"] == "step")["msteps_median"]
    return [{**row, "beside_fourrooms": row["msteps_median"] / yardstick} for row in rows]


_METHODS = ("step", "step_env")


def _worlds(plan: Plan) -> dict[str, tuple[Any, Any]]:
    """Environment and params of every world, by the name it is shown under."""
    import gymnax

    import koki2_envs

    noisy, params = koki2_envs.make("L1.1")
    return {
        _YARDSTICK: gymnax.make("FourRooms-misc"),
        "CartPole-v1 (Gymnax)": gymnax.make("CartPole-v1"),
        **{name: koki2_envs.make(name) for name in plan.rungs},
        "L1.1 with obs_noise 0.1": (noisy, params.replace(obs_noise=0.1)),
    }


def _case(name: str, env: Any, params: Any, method: str, plan: Plan) -> Case:
    return Case(
        {"case": f"{name}, {method}", "world": name, "method": method, "worlds": plan.num_worlds},
        plan.num_worlds * plan.world_steps,
        partial(_compile, env, params, method, plan.num_worlds, plan.world_steps),
    )


def _compile(env: Any, params: Any, method: str, num_worlds: int, num_steps: int) -> Callable[[], Any]:
    """Compiles the steps of all worlds as one scan whose result needs every observation and reward."""
    import jax

    def one_step(key: Any, state: Any) -> tuple[Any, Any]:
        act_key, step_key = jax.random.split(key)
        action = env.action_space(params).sample(act_key)
        observation, state, reward, *_ = getattr(env, method)(step_key, state, action, params)
        return state, observation.sum() + reward

    def scan_step(carry: tuple[Any, Any], key: Any) -> tuple[Any, None]:
        state, total = carry
        state, value = jax.vmap(one_step)(jax.random.split(key, num_worlds), state)
        return (state, total + value.sum()), None

    def run(key: Any) -> Any:
        reset_key, run_key = jax.random.split(key)
        _, state = jax.vmap(env.reset, in_axes=(0, None))(jax.random.split(reset_key, num_worlds), params)
        (_, total), _ = jax.lax.scan(scan_step, (state, 0.0), jax.random.split(run_key, num_steps))
        return total

    key = jax.random.key(0)
    compiled = jax.jit(run).lower(key).compile()
    return lambda: jax.block_until_ready(compiled(key))
