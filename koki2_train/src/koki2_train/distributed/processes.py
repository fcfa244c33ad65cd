"""Joining, exchanging messages and shutting down across processes."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import signal
import socket
import sys
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import jax

_MUST_AGREE = ("koki2-envs", "koki2-train", "jax", "jaxlib", "evosax", "optax")
_PARTING_SECONDS = 60  # how long the first to finish waits for the others before it calls them lost
_NOT_BEFORE_US = 60  # seconds after which JAX would end a process that cannot join with a stack trace


class JoinError(Exception):
    """Processes that cannot work together; the message names the setting or what differs."""


class LostError(Exception):
    """The others can no longer be reached or relied on, and must not be waited for; the message says why."""


@dataclass(frozen=True)
class ClusterAddress:
    """Where this process meets the others, and as which of them.

    Attributes:
        coordinator: ``HOST:PORT`` at which process 0 listens; None where JAX finds out all three from the cluster's
            scheduler (Slurm, Open MPI, Kubernetes, Cloud TPU).
        num_processes: how many there are.
        process_id: which one this is, 0 to ``num_processes`` − 1.
        join_seconds: how long to wait for the others.
    """

    coordinator: str | None = None
    num_processes: int | None = None
    process_id: int | None = None
    join_seconds: float = 300.0

    def __post_init__(self) -> None:
        given = {
            "coordinator": self.coordinator,
            "num_processes": self.num_processes,
            "process_id": self.process_id,
        }
        missing = [name for name, value in given.items() if value is None]
        if 0 < len(missing) < len(given):
            raise ValueError(f"{', '.join(given)} are given together or not at all; {missing[0]} is missing")
        if self.coordinator is not None:
            _check_address(self.coordinator)
        if self.num_processes is not None and self.process_id is not None:
            if self.num_processes < 1:
                raise ValueError(f"num_processes must be at least 1, got {self.num_processes}")
            if not 0 <= self.process_id < self.num_processes:
                raise ValueError(f"process_id must be 0 to {self.num_processes - 1}, got {self.process_id}")


def _check_address(address: str) -> None:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise ValueError(f"coordinator must be HOST:PORT with a port from 1 to 65535, got {address!r}")
    try:
        socket.getaddrinfo(host.strip("[]"), int(port))
    except OSError as error:
        raise ValueError(f"coordinator: host {host!r} is not known here ({error.strerror})") from None


def _check_port(address: ClusterAddress) -> None:
    """Rejects a port at which process 0 cannot listen; JAX, which would meet it next, may crash over it."""
    if address.coordinator is None or address.process_id != 0:
        return
    port = int(address.coordinator.rpartition(":")[2])
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    try:
        socket.create_server(("", port), family=family, dualstack_ipv6=both).close()
    except OSError as error:
        raise JoinError(f"port {port} of coordinator {address.coordinator}: {error.strerror}") from None


def join(address: ClusterAddress, num_devices: int | None, give_up: Callable[[str], None]) -> None:
    """Makes this process one of several, whose devices JAX then shows as one list; call it before JAX is initialised.

    Args:
        address: where, and as which process.
        num_devices: devices of every process that take part, the same for all; all where None.
        give_up: called, in another thread, with one line where the others do not come in time; it must end the process.

    Raises:
        JoinError: they cannot meet, or are not alike.
    """
    _check_port(address)
    _keep_stdout_for_python()
    import jax

    # It would take SIGTERM away from us. A signal travels with our own messages.
    jax.config.update("jax_enable_preemption_service", False)
    with _default_signals(), _deadline(address, give_up):
        try:
            jax.distributed.initialize(
                address.coordinator,
                address.num_processes,
                address.process_id,
                initialization_timeout=int(address.join_seconds) + _NOT_BEFORE_US,
                shutdown_timeout_seconds=_PARTING_SECONDS,
            )
        except ValueError as error:
            raise JoinError(
                f"JAX finds no cluster here ({error}); give coordinator, num_processes and process_id"
            ) from None
        except RuntimeError as error:
            where = address.coordinator or "of the cluster"
            raise JoinError(f"coordinator {where} cannot be opened here: {error}") from None
    _check_alike(num_devices)


def leave() -> None:
    """Leaves the others once all have called it. Do not call it after one has died: it would be waited for."""
    import jax

    jax.distributed.shutdown()


def exchange(row: Sequence[int]) -> np.ndarray:
    """Tells the others some numbers and hears theirs.

    All processes must call it at the same place of their work, and never while they compute together: of two
    collectives under way at once either may block the other.

    Args:
        row: n numbers of 32 bits.

    Returns:
        (processes, n) int32.

    Raises:
        LostError: another process has died.
    """
    return _everywhere(np.asarray(row, np.int32), _same)


def broadcast(message: bytes | None, length: int) -> bytes:
    """Process 0's message; the others give None. All call it alike, as :func:`exchange`.

    Args:
        message: what process 0 says.
        length: of the message, known to all.

    Raises:
        LostError: another process has died.
    """
    mine = np.zeros(length, np.uint8) if message is None else np.frombuffer(message, np.uint8)
    return _everywhere(mine, _sum).tobytes()


def _same(table: jax.Array) -> jax.Array:
    return table


def _sum(table: jax.Array) -> jax.Array:
    return table.sum(axis=0, dtype=table.dtype)


def _everywhere(mine: np.ndarray, function: Callable[[jax.Array], jax.Array]) -> np.ndarray:
    """``function`` of the table (processes, …) of what every process has; over one device of each."""
    import jax
    from jax.sharding import NamedSharding, PartitionSpec

    mesh = _one_device_each()
    table = jax.make_array_from_process_local_data(NamedSharding(mesh, PartitionSpec("process")), mine[None])
    try:
        return np.asarray(jax.jit(function, out_shardings=NamedSharding(mesh, PartitionSpec()))(table))
    except (RuntimeError, ValueError) as error:  # JAX raises the one or the other, depending on when it notices
        raise LostError(f"another process has died: {str(error)[:200]}") from None


@lru_cache(maxsize=1)
def _one_device_each() -> jax.sharding.Mesh:
    # Processes may have different numbers of devices, which what JAX has for this (multihost_utils) does not allow.
    import jax
    from jax.sharding import AxisType, Mesh

    first = {device.process_index: device for device in reversed(jax.devices())}
    return Mesh(np.asarray([first[process] for process in sorted(first)]), ("process",), axis_types=(AxisType.Auto,))


def _check_alike(num_devices: int | None) -> None:
    versions = " ".join(f"{name}={importlib.metadata.version(name)}" for name in _MUST_AGREE)
    table = exchange([num_devices or 0, zlib.crc32(versions.encode()) & 0x7FFFFFFF])
    for process, (devices, version) in enumerate(table):
        if devices != table[0, 0]:
            given, wanted = (n or "none" for n in (devices, table[0, 0]))
            raise JoinError(f"devices must be the same everywhere: {given} on process {process}, {wanted} on 0")
        if version != table[0, 1]:
            packages = ", ".join(_MUST_AGREE)
            raise JoinError(f"process {process} has another version than process 0 of one of {packages}")


def _keep_stdout_for_python() -> None:
    """Lets what native code prints on stdout (Gloo greets each of its peers there) go to stderr."""
    has_its_own = sys.stdout is not sys.__stdout__  # a descriptor, as the command line gives it
    if has_its_own:
        return
    sys.stdout.flush()
    ours = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = os.fdopen(ours, "w", encoding=sys.stdout.encoding, buffering=1)


@contextlib.contextmanager
def _default_signals() -> Iterator[None]:
    """Lets a signal end the process at once: Python's own handlers would wait for the native code to come back."""
    before: dict[int, Any] = {n: signal.signal(n, signal.SIG_DFL) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _deadline(address: ClusterAddress, give_up: Callable[[str], None]) -> Iterator[None]:
    place = f" at {address.coordinator}" if address.coordinator else ""
    message = f"not all processes joined{place} in {address.join_seconds:g} s"
    timer = threading.Timer(address.join_seconds, give_up, [message])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
