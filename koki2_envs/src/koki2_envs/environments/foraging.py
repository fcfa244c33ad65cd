"""Foraging on a grid: rungs L0.0 to L1.1."""

from __future__ import annotations

from typing import ClassVar

import jax
import jax.numpy as jnp
from flax import struct
from gymnax.environments import spaces

from koki2_envs.environments.world import World, WorldState
from koki2_envs.knobs import at, is_always, largest
from koki2_envs.mechanics import body, movement, sensing
from koki2_envs.mechanics.luck import Luck, Stream
from koki2_envs.mechanics.rows import row
from koki2_envs.mechanics.sources import Sources, contacts, deplete_and_respawn, scatter
from koki2_envs.params import ForagingParams

# jax.random.normal in float32 cannot exceed this (the inverse error function of the largest float below 1).
_MAX_NORMAL = 5.5
# round(g·b)/b exceeds |g| ≤ 1 by at most a factor of two, at b just above one half.
_MAX_QUANTISED = 2.0


@struct.dataclass
class ForagingState(WorldState):
    """State of a foraging life.

    Attributes:
        time: () int32, steps lived.
        succeeded: () bool, whether a good source was ever reached.
        pos: (2,) int32, the agent's cell (x, y).
        source_pos: (K, 2) int32, the sources' cells.
        source_is_bad: (K,) bool.
        source_active: (K,) bool.
        source_respawn_t: (K,) int32, steps until an inactive source is back.
        energy: () float32 in [0, 1].
        integrity: () float32 in [0, 1].
    """

    pos: jax.Array
    source_pos: jax.Array
    source_is_bad: jax.Array
    source_active: jax.Array
    source_respawn_t: jax.Array
    energy: jax.Array
    integrity: jax.Array

    @property
    def sources(self) -> Sources:
        """The sources as one tuple."""
        return Sources(self.source_pos, self.source_is_bad, self.source_active, self.source_respawn_t)


class Foraging(World[ForagingState, ForagingParams]):
    """A grid with good and bad sources that smell alike.

    **Observation** (4,) float32: ``grad_x``, ``grad_y``: displacement to the nearest active source over
    max(width − 1, 1) and max(height − 1, 1), both in [−1, 1] before the sensor distorts them, zero where no source is
    active; ``energy`` and ``integrity`` in [0, 1]. In this order: a nearest bad source scales the gradient by
    1 − 2·``hazard_smell``; ``grad_bins`` quantises it; ``grad_gain`` multiplies it; ``grad_dropout_p`` silences it;
    ``obs_noise`` is added to all four.

    **Actions** int32: 0 stay, 1 up (y − 1), 2 down (y + 1), 3 left (x − 1), 4 right (x + 1). The border stops a move.

    **One step**: move; contacts (an active source in the new cell; an *arrival* where it was not already touched in
    the cell left); body; depletion and respawn; observe.

    **Body**: energy ← clip(energy − ``energy_decay`` + ``energy_gain``·good arrivals, 0, 1), integrity ← clip(integrity
    − ``bad_source_integrity_loss``·bad arrivals, 0, 1); born with ``energy_init`` and 1.

    **Ends**: terminated where energy or integrity is 0, or with ``terminate_on_reach`` where a good source is touched;
    truncated at ``max_steps_in_episode``.

    **Reward**: ``survival_reward`` + ``energy_reward``·energy gained + ``success_bonus`` at the first good source
    reached + ``drive_reward``·drive reduction.

    **Info** of a step: ``energy_gained``, ``integrity_lost``, ``bad_arrivals``, ``drive_reduction`` float32,
    ``reached_source`` bool (contact with a good source, arrival or not).
    """

    observation_names: ClassVar[tuple[str, ...]] = ("grad_x", "grad_y", "energy", "integrity")
    observation_sizes: ClassVar[tuple[float, ...]] = (1 / 3, 1 / 3, 1.0, 1.0)
    action_names: ClassVar[tuple[str, ...]] = movement.ACTION_NAMES

    def __init__(self, rung: str = "L0.0", default_params: ForagingParams | None = None, *, num_sources: int = 1):
        """Makes a world.

        Args:
            rung: the rung's name.
            default_params: its knobs.
            num_sources: K, how many sources there are; at least 1.

        Raises:
            TypeError, ValueError: ``num_sources`` is no whole number or below 1, or the params contradict it.
        """
        knobs = default_params or ForagingParams()  # type: ignore[call-arg] # knob takes its default by position
        super().__init__(rung, knobs, num_sources=num_sources)
        self.num_sources = self.structure["num_sources"]

    def size(self, params: ForagingParams) -> jax.Array:
        """Width and height in cells; (2,) int32."""
        return jnp.stack([jnp.asarray(params.width, jnp.int32), jnp.asarray(params.height, jnp.int32)])

    def reset_env(self, key: jax.Array, params: ForagingParams) -> tuple[jax.Array, ForagingState]:
        """A newborn in the middle of the grid, sources in uniform cells."""
        size = self.size(params)
        sources = scatter(Luck(key, Stream.SCATTER), self.num_sources, params.num_bad_sources, size)
        state = ForagingState(
            time=jnp.zeros((), jnp.int32),
            succeeded=jnp.zeros((), bool),
            pos=size // 2,
            source_pos=sources.pos,
            source_is_bad=sources.is_bad,
            source_active=sources.active,
            source_respawn_t=sources.respawn_t,
            energy=jnp.asarray(at(params.energy_init, 0.0), jnp.float32),
            integrity=jnp.ones((), jnp.float32),
        )
        return self.observe(key, state, None, params), state

    def step_env(
        self, key: jax.Array, state: ForagingState, action: jax.Array, params: ForagingParams
    ) -> tuple[jax.Array, ForagingState, jax.Array, jax.Array, dict[str, jax.Array]]:
        """One transition, without auto-reset and time limit (see the class)."""
        phi, size = self.phase(state.time, params), self.size(params)
        action = movement.carried_out(Luck(key, Stream.MOTOR), action, params.motor_gain, phi)
        pos = movement.move(state.pos, action, size)

        contact = contacts(state.sources, pos)
        arrival = contact & ~contacts(state.sources, state.pos)
        good_arrivals = jnp.sum(arrival & ~state.source_is_bad).astype(jnp.float32)
        bad_arrivals = jnp.sum(arrival & state.source_is_bad).astype(jnp.float32)
        reached = jnp.any(contact & ~state.source_is_bad)

        energy_gained = at(params.energy_gain, phi) * good_arrivals
        integrity_lost = at(params.bad_source_integrity_loss, phi) * bad_arrivals
        energy = body.clip_level(state.energy - at(params.energy_decay, phi) + energy_gained)
        integrity = body.clip_level(state.integrity - integrity_lost)
        drive_reduction = self.drive(state.energy, state.integrity, params, phi) - self.drive(
            energy, integrity, params, phi
        )

        sources = deplete_and_respawn(
            key,
            state.sources,
            arrival,
            enabled=params.deplete_sources,
            good_delay=params.respawn_delay,
            bad_delay=params.bad_source_respawn_delay,
            bad_deplete_p=params.bad_source_deplete_p,
            size=size,
            phi=phi,
        )
        after = ForagingState(
            time=state.time + 1,
            succeeded=state.succeeded | reached,
            pos=pos,
            source_pos=sources.pos,
            source_is_bad=sources.is_bad,
            source_active=sources.active,
            source_respawn_t=sources.respawn_t,
            energy=energy,
            integrity=integrity,
        )
        terminated = (energy <= 0.0) | (integrity <= 0.0)
        if not is_always(params.terminate_on_reach, False):
            terminated = terminated | (jnp.asarray(params.terminate_on_reach) & reached)
        reward = self.reward(params, energy_gained, reached & ~state.succeeded, drive_reduction, phi)
        info = {
            "energy_gained": energy_gained,
            "integrity_lost": integrity_lost,
            "bad_arrivals": bad_arrivals,
            "reached_source": reached,
            "drive_reduction": drive_reduction,
        }
        return self.observe(key, after, action, params), after, reward, terminated, info

    def drive(self, energy: jax.Array, integrity: jax.Array, params: ForagingParams, phi: jax.Array) -> jax.Array:
        """The drive D of a body; () float32."""
        return body.drive(
            (energy, integrity),
            (at(params.energy_setpoint, phi), at(params.integrity_setpoint, phi)),
            (at(params.energy_drive_weight, phi), at(params.integrity_drive_weight, phi)),
        )

    def observe(
        self, key: jax.Array, state: ForagingState, action: jax.Array | None, params: ForagingParams
    ) -> jax.Array:
        """What the agent senses in ``state``; (4,) float32. Its phase is that of the transition that led here."""
        phi, size = self.phase(jnp.maximum(state.time - 1, 0), params), self.size(params)
        candidates = state.source_active
        if not is_always(params.good_only_gradient, False):
            candidates = candidates & ~(jnp.asarray(params.good_only_gradient) & state.source_is_bad)
        offset, chosen = sensing.nearest(state.pos, state.source_pos, candidates)
        gradient = offset.astype(jnp.float32) / jnp.maximum(size - 1, 1).astype(jnp.float32)
        if not is_always(params.hazard_smell, 0.0):
            nearest_is_bad = jnp.any(chosen & state.source_is_bad)
            gradient = gradient * jnp.where(nearest_is_bad, 1.0 - 2.0 * at(params.hazard_smell, phi), 1.0)
        gradient = sensing.quantise(gradient, params.grad_bins, phi)
        gradient = sensing.amplify(gradient, params.grad_gain, phi)
        gradient = sensing.drop_out(Luck(key, Stream.DROPOUT), gradient, params.grad_dropout_p, phi)
        observation = row(gradient[0], gradient[1], state.energy, state.integrity)
        return sensing.add_noise(Luck(key, Stream.NOISE), observation, params.obs_noise, phi)

    def observation_space(self, params: ForagingParams) -> spaces.Box:
        """A finite box that holds every observation that these params can give."""
        gradient = largest(params.grad_gain) * (1.0 if is_always(params.grad_bins, 0.0) else _MAX_QUANTISED)
        noise = _MAX_NORMAL * largest(params.obs_noise)
        high = jnp.asarray([gradient, gradient, 1.0, 1.0], jnp.float32) + noise
        low = jnp.asarray([-gradient, -gradient, 0.0, 0.0], jnp.float32) - noise
        return spaces.Box(low, high, (4,), jnp.float32)

    def state_space(self, params: ForagingParams) -> spaces.Dict:
        """Bounds of every state variable, by name."""
        k = self.num_sources
        size = self.size(params)
        longest = jnp.maximum(largest(params.respawn_delay), largest(params.bad_source_respawn_delay))
        return spaces.Dict(
            {
                "time": spaces.Box(0, params.max_steps_in_episode, (), jnp.int32),
                "succeeded": spaces.Box(0, 1, (), jnp.bool_),
                "pos": spaces.Box(0, size - 1, (2,), jnp.int32),
                "source_pos": spaces.Box(0, size - 1, (k, 2), jnp.int32),
                "source_is_bad": spaces.Box(0, 1, (k,), jnp.bool_),
                "source_active": spaces.Box(0, 1, (k,), jnp.bool_),
                "source_respawn_t": spaces.Box(0, longest, (k,), jnp.int32),
                "energy": spaces.Box(0.0, 1.0, (), jnp.float32),
                "integrity": spaces.Box(0.0, 1.0, (), jnp.float32),
            }
        )
