"""L3.2, weigh the warning: the clock of the storms by itself. How often do cue, storm and decoy go together?

python examples/l3_2_unreliable_cues.py [lives]
"""

import sys

import jax
import jax.numpy as jnp

from koki2_envs import make, rung
from koki2_envs.environments import Threats

num_lives = int(sys.argv[1]) if len(sys.argv) > 1 else 512
env, trained = make("L3.2")
sides = {"trained": trained, "never trained on": trained.replace(**rung("L3.2").held_out)}
CUE, DECOY = (Threats.observation_names.index(name) for name in ("cue", "decoy"))


def clock(params, key):
    """Over a life of staying: whether a round with a storm has a cue, and how cue and decoy go with what comes."""

    def step(state, key):
        observation, state, *_ = env.step_env(key, state, 0, params)
        warned = jnp.stack([observation[CUE], observation[DECOY]])
        return state, (state.storm_phase == 1, state.storm_real, warned)

    _, state = env.reset_env(key, params)
    return jax.lax.scan(step, state, jax.random.split(key, params.max_steps_in_episode))[1]


for name, params in sides.items():
    keys = jax.random.split(jax.random.key(0), num_lives)
    warning, real, warned = jax.jit(jax.vmap(lambda key, params=params: clock(params, key)))(keys)
    for sense, on in {"cue": warned[..., 0], "decoy": warned[..., 1]}.items():
        share = (on * warning * real).sum() / (warning * real).sum()
        false = (on * warning * ~real).sum() / (on * warning).sum()
        print(f"{name:16} {sense:5}: on ahead of {share:.0%} of storms; {false:.0%} of it ahead of none")
