"""A session of several processes: each joins the others, and leads them or follows."""

from __future__ import annotations

from collections.abc import Callable

from koki2_train.distributed import processes
from koki2_train.distributed.leader import Leader


def work_together(
    address: processes.ClusterAddress,
    num_devices: int | None,
    lead: Callable[[Leader], int],
    give_up: Callable[[str], None],
) -> int:
    """Joins the other processes, and leads them or follows.

    Args:
        address: where they meet.
        num_devices: how many devices of every process take part; all where None.
        lead: what process 0 does. Whether it returns or raises, the others are ordered to leave, with the exit code it
            returned or its exception has (1 where it has none).
        give_up: called, in another thread, with one line where the others do not come in time; it must end the process,
            which JAX would otherwise abort with a stack trace.

    Returns:
        The exit code, on all of them.

    Raises:
        JoinError: they could not join.
        LostError: one of them died, or computed different bits.
    """
    processes.join(address, num_devices, give_up)
    import jax

    from koki2_train.distributed.follower import follow  # initialises JAX, which must have joined before

    try:
        code = follow(num_devices) if jax.process_index() else _lead(lead)
    except jax.errors.JaxRuntimeError as error:
        raise processes.LostError(f"another process has died, or a device: {str(error)[:200]}") from None
    processes.leave()
    return code


def _lead(lead: Callable[[Leader], int]) -> int:
    import jax

    leader = Leader(has_followers=jax.process_count() > 1)
    try:
        code = lead(leader)
    except (jax.errors.JaxRuntimeError, processes.LostError):
        raise  # no other process listens any more
    except Exception as error:
        leader.end(getattr(error, "exit_code", 1))
        processes.leave()
        raise
    leader.end(code)
    return code
