"""L3.1, act on the warning: a life as a plain loop, without the trainer, and its picture. Who sits out the storms?

python examples/l3_1_storms.py [folder]
"""

import sys
from functools import partial
from pathlib import Path

import jax

from koki2_envs import REFERENCE_POLICIES, make
from koki2_envs.mechanics.storms import STORM
from koki2_envs.rendering import LifeRecord, draw_life, save_figure

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/example_l3_1")
folder.mkdir(parents=True, exist_ok=True)
env, params = make("L3.1")
step = jax.jit(env.step_env)

for name in ("greedy", "oracle"):
    act = jax.jit(partial(REFERENCE_POLICIES[name], env))
    key, terminated = jax.random.key(7), False
    observation, state = env.reset(key, params)
    states, observations, actions, rewards, infos = [state], [observation], [], [], []
    while not terminated and state.time < params.max_steps_in_episode:
        key, act_key, step_key = jax.random.split(key, 3)
        actions.append(act(params, state, observation, act_key))
        observation, state, reward, terminated, info = step(step_key, state, actions[-1], params)
        states.append(state)
        observations.append(observation)
        rewards.append(reward)
        infos.append(info)
    record = LifeRecord.stack(states, observations, actions, rewards, infos)
    stormy = record.states.storm_phase[1:] == STORM
    outside = record.info["lost_in_storms"] > 0
    print(
        f"{name:6} lived {record.num_lived} steps, {stormy.sum()} of them in storms, {outside.sum()} of those outside"
    )
    print(save_figure(draw_life(env, params, record), folder / f"{name}.png"))
