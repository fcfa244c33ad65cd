"""L0.0, climb a gradient: a world alone, without the trainer. What do chance, the senses and full knowledge achieve?

python examples/l0_0_chemotaxis.py
"""

import jax

from koki2_envs import REFERENCE_POLICIES, make

NUM_LIVES = 256

env, params = make("L0.0")


def live(policy, key):
    """The return of one life."""

    def step(carry, key):
        observation, state, alive = carry
        act_key, step_key = jax.random.split(key)
        action = policy(env, params, state, observation, act_key)
        observation, state, reward, terminated, _ = env.step_env(step_key, state, action, params)
        return (observation, state, alive & ~terminated), reward * alive

    reset_key, life_key = jax.random.split(key)
    observation, state = env.reset_env(reset_key, params)
    keys = jax.random.split(life_key, params.max_steps_in_episode)
    _, rewards = jax.lax.scan(step, (observation, state, True), keys)
    return rewards.sum()


keys = jax.random.split(jax.random.key(0), NUM_LIVES)
for name, policy in REFERENCE_POLICIES.items():
    returns = jax.jit(jax.vmap(lambda key, policy=policy: live(policy, key)))(keys)
    print(f"{name:8} {returns.mean():6.1f} ± {returns.std() / NUM_LIVES**0.5:.1f}")
