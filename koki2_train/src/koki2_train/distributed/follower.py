"""The follower's loop: repeats process 0's computations, without I/O."""

from __future__ import annotations

import jax
import numpy as np

from koki2_train.distributed import processes
from koki2_train.distributed.leader import Order, fingerprint, last_of, unpack
from koki2_train.evolution import Search, compiled_finish, compiled_init, compiled_steps
from koki2_train.experiment import Trial
from koki2_train.runtime.devices import replicate
from koki2_train.runtime.signals import StopRequest


def follow(num_devices: int | None) -> int:
    """Computes what process 0 commands until it says that all is done.

    Nothing is read, written or shown here. The first signal is passed on to process 0; a second ends this process.

    Returns:
        The exit code that process 0 sent.

    Raises:
        DriftError: process 0 has another state.
    """
    work = None
    with StopRequest() as stop:
        while True:
            heard = processes.exchange((0, 0, stop.asked, work.mark() if work else 0))
            order, argument = Order(heard[0, 0]), int(heard[0, 1])
            if order is Order.BEGIN:
                work = _Work(processes.broadcast(None, argument), num_devices)
            elif order is Order.ADVANCE and work:
                work.advance(last_of(heard))
            elif order is Order.FINISH and work:
                work.finish()
            elif order is Order.END:
                return argument


class _Work:
    """The run that process 0 carries out, without its files."""

    def __init__(self, message: bytes, num_devices: int | None):
        words, leaves = unpack(message)
        self.search, self.chunk = Search.of(Trial.from_dict(words["trial"]), num_devices), words["chunk"]
        structure = jax.tree.structure(compiled_init(self.search))
        self.state = replicate(self.search.program.problem.mesh, jax.tree.unflatten(structure, leaves))

    def mark(self) -> int:
        return fingerprint(jax.tree.leaves(self.state))

    def advance(self, last: int) -> None:
        state, _ = compiled_steps(self.search, self.state, np.int32(last), self.chunk)
        self.state = jax.block_until_ready(state)

    def finish(self) -> None:
        jax.block_until_ready(compiled_finish(self.search, self.state))
