"""A custom rung: a beach where food gives less at high tide, with knobs, a sense, a policy and a ladder row.

python examples/own_rung.py
"""

# ruff: noqa: D101, D102
import jax
import jax.numpy as jnp

from koki2_envs import Rung, check_env, make, register_rung, returns
from koki2_envs.environments import Foraging
from koki2_envs.knobs import knob, pytree_dataclass, value_at
from koki2_envs.params import ForagingParams
from koki2_envs.reference_policies import greedy


@pytree_dataclass
class TidalParams(ForagingParams):
    tide_steps: int = knob(16, "time from one high tide to the next", unit="steps", low=2, high=65535)
    tide_share: float = knob(0.25, "share of a meal's energy that is left at high tide", low=0.0, high=1.0)


class Tidal(Foraging):
    own_senses = {"tide": 1.0}  # noqa: RUF012
    params_class = TidalParams

    def tide(self, time, params):
        return (time % params.tide_steps) * 2 >= params.tide_steps

    def effects(self, state, contacts, params, phi):
        effects = super().effects(state, contacts, params, phi)
        share = jnp.where(self.tide(state.time, params), value_at(params.tide_share, phi), 1.0)
        return {**effects, "energy_gained": effects["energy_gained"] * share}

    def extra_senses(self, key, state, params, phi):
        return *super().extra_senses(key, state, params, phi), self.tide(state.time, params).astype(jnp.float32)

    def extra_bounds(self, params):
        return *super().extra_bounds(params), (0.0, 1.0)


@greedy.register
def ebb(env: Tidal, params, state, observation, key):
    """Follows the gradient at low tide; at high tide it waits for better meals."""
    follow = greedy.dispatch(Foraging)(env, params, state, observation, key)
    return jnp.where(observation[env.observation_names.index("tide")] > 0.5, 0, follow)


RUNG = register_rung(
    Rung(
        "Tidal", "24×1, 3 sources that deplete, and tides", "wait for the ebb", f"{__name__}:Tidal", TidalParams,
        {"num_sources": 3}, {"width": 24, "deplete_sources": True, "energy_decay": 0.01, "energy_gain": 0.1},
    )
)  # fmt: skip

if __name__ == "__main__":
    check_env(*make("Tidal"), num_steps=4)
    for name in ("random", "greedy", "oracle"):
        print(f"{name:6} {returns(*make('Tidal'), name, jax.random.split(jax.random.key(0), 256)).mean():6.1f}")
