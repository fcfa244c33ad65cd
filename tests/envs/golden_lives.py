"""Golden trajectories: what happened in four lives of each rung, kept so that no change alters a world unnoticed.

``python tests/envs/golden_lives.py [RUNG…]`` writes those of some rungs, or of all, anew; say in the commit why.
"""

import sys
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from koki2_envs import RUNGS, make
from koki2_envs.reference_policies.base import towards

FILE = Path(__file__).parent / "data" / "golden.npz"
LIVES, STEPS = 4, 96


def golden_lives(rung):
    """Observations, rewards and endings of lives that climb the first gradient and stumble often; one array each."""
    env, params = make(rung)

    @partial(jax.jit, static_argnames="idle")
    def live(params, idle, key):
        params = params.with_constants(idle)
        first, born = env.reset(jax.random.fold_in(key, STEPS), params)
        stumbles = jax.random.randint(key, (STEPS,), 0, 2 * env.num_actions, jnp.int32)

        def step(moment, now):
            (observation, state), (t, stumble) = moment, now
            action = jnp.where(stumble < env.num_actions, stumble, towards(observation[0], observation[1]))
            observation, state, reward, terminated, truncated, _ = env.step(
                jax.random.fold_in(key, t), state, action, params
            )
            return (observation, state), (observation, reward, terminated | truncated)

        _, (observations, rewards, ends) = jax.lax.scan(
            step, (first, born), (jnp.arange(STEPS, dtype=jnp.int32), stumbles)
        )
        return jnp.concatenate([first[None], observations]), rewards, ends

    keys = jax.random.split(jax.random.key(2026), LIVES)
    lives = [live(params, params.idle_knobs(), key) for key in keys]
    names = ("observations", "rewards", "ends")
    return {name: np.stack([life[i] for life in lives]) for i, name in enumerate(names)}


def read():
    """The kept arrays, by ``rung/name``."""
    with np.load(FILE, allow_pickle=False) as file:
        return dict(file)


if __name__ == "__main__":
    kept = read() if FILE.exists() else {}
    for rung in sys.argv[1:] or RUNGS:
        kept |= {f"{rung}/{name}": array for name, array in golden_lives(rung).items()}
    np.savez_compressed(FILE, **{name: kept[name] for name in sorted(kept) if name.split("/")[0] in RUNGS})
