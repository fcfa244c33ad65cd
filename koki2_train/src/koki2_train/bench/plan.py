"""Plan of a benchmark: how much is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from koki2_envs.ladder import RUNGS


@dataclass(frozen=True)
class Plan:
    """How much is measured; the defaults are what the documentation's numbers were measured with.

    Attributes:
        devices: over how many devices a population is spread; all where None.
        rounds: how often every case is timed.
        num_worlds: worlds side by side, in ``worlds``.
        world_steps: steps that each of them takes in a round.
        rungs: which rungs are timed alone, besides the noisy L1.1, which always is.
        genomes: population of ``training``, ``lives`` and ``learning``; that of ``brains`` at 32 neurons.
        life_steps: length of a life.
        round_steps: world steps that a round of these takes, about; a generation at least.
        neurons: sizes of the brains, in ``brains``.
        lives: lives per genome, in ``lives``.
        learning_lives: lives per genome, in ``learning``.
        many_genomes: population of ``memory``.
        memory_lives: lives per genome, in ``memory``.
        peak_size: what the peaks of ``bounds`` are measured with: matrices of 8 times that many rows, 4 times that many
            KiB in caches, and that many MiB in memory.
    """

    devices: int | None = None
    rounds: int = 3
    num_worlds: int = 2048
    world_steps: int = 500
    rungs: tuple[str, ...] = tuple(RUNGS)
    genomes: int = 128
    life_steps: int = 128
    round_steps: int = 2_500_000
    neurons: tuple[int, ...] = (16, 32, 64, 128, 256, 512, 1024, 2048)
    lives: tuple[int, ...] = (1, 4, 16, 64, 256)
    learning_lives: tuple[int, ...] = (8, 32)
    many_genomes: int = 4096
    memory_lives: tuple[int, ...] = (8, 32, 128)
    peak_size: int = 64

    @classmethod
    def quick(cls, devices: int | None = None, rounds: int = 1, num_worlds: int = 4) -> Self:
        """Everything tiny: it shows that all sections work, and its numbers mean nothing."""
        return cls(
            devices, rounds, num_worlds, world_steps=2, rungs=(), genomes=4, life_steps=8, round_steps=1,
            neurons=(16, 32), lives=(1, 2), learning_lives=(1,), many_genomes=8, memory_lives=(1, 2), peak_size=1,
        )  # fmt: skip
