"""L3.2, weigh the warning: the clock of the storms by itself. How often do cue, storm and decoy go together?

python examples/l3_2_unreliable_cues.py [lives]
"""

import sys

import jax

from koki2_envs import make, rollout, rung

num_lives = int(sys.argv[1]) if len(sys.argv) > 1 else 512
env, trained = make("L3.2")
variants = {"trained on": trained, "never trained on": trained.replace(**rung("L3.2").held_out)}
keys = jax.random.split(jax.random.key(0), num_lives)

for name, params in variants.items():
    lives = jax.vmap(lambda key, params=params: rollout(env, params, "stay", key))(keys)
    clock = jax.tree.map(lambda leaf: leaf[:, :-1], lives.states)  # before each step, as the observations are
    warning = (clock.storm_phase == 1) & lives.alive
    for sense in ("cue", "decoy"):
        on = lives.observations[..., env.observation_names.index(sense)] > 0
        share = (on & warning & clock.storm_real).sum() / (warning & clock.storm_real).sum()
        false = (on & warning & ~clock.storm_real).sum() / (on & warning).sum()
        print(f"{name:16} {sense:5}: on before {share:.0%} of storms; {false:.0%} of it before none")
