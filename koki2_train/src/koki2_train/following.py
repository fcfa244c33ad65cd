"""What every process but the first does: compute along, as process 0 says, and nothing else."""

from __future__ import annotations

import jax
import numpy as np

from koki2_train import processes
from koki2_train.evaluation import replicate
from koki2_train.experiment import Experiment
from koki2_train.leading import Order, fingerprint, last_of, unpack
from koki2_train.stopping import StopRequest
from koki2_train.training import advance, crown, start


def follow(num_devices: int | None) -> int:
    """Does what process 0 says until it says that all is done.

    Nothing is read, written or shown here. The first signal is handed on to process 0; a second ends this process.

    Returns:
        The exit code it said.

    Raises:
        DriftError: it has another state.
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
            elif order is Order.CROWN and work:
                work.crown()
            elif order is Order.END:
                return argument


class _Work:
    """The run that process 0 carries out, without its files."""

    def __init__(self, message: bytes, num_devices: int | None):
        words, leaves = unpack(message)
        experiment = Experiment.from_dict(words["experiment"])
        self.program, self.params, self.chunk = experiment.program(num_devices), experiment.params, words["chunk"]
        self.root = replicate(self.program.task.mesh, jax.random.key(words["seed"]))
        structure = jax.tree.structure(start(self.program, self.root))
        self.state = replicate(self.program.task.mesh, jax.tree.unflatten(structure, leaves))

    def mark(self) -> int:
        return fingerprint(jax.tree.leaves(self.state))

    def advance(self, last: int) -> None:
        end = np.int32(last)
        state, _ = advance(self.program, self.params, self.root, self.state, end, self.chunk)
        self.state = jax.block_until_ready(state)

    def crown(self) -> None:
        jax.block_until_ready(crown(self.program, self.params, self.root, self.state))
