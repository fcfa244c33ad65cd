"""L0.0, climb a gradient: a world alone, without the trainer. What do chance, the senses and full knowledge achieve?

python examples/l0_0_chemotaxis.py
"""

import jax

from koki2_envs import REFERENCE_POLICIES, make, returns

NUM_LIVES = 256

env, params = make("L0.0")
keys = jax.random.split(jax.random.key(0), NUM_LIVES)
for name in REFERENCE_POLICIES:
    fitness = returns(env, params, name, keys)
    print(f"{name:8} {fitness.mean():6.1f} ± {fitness.std(ddof=1) / NUM_LIVES**0.5:.1f}")
