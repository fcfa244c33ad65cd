"""Pinned compilation: compiled functions whose bits do not depend on the modes that JAX is in."""

from __future__ import annotations

import contextlib
import functools
import importlib
from collections.abc import Callable, Iterator
from typing import Any

import jax

GENERATOR = "threefry2x32"
"""The random generator of every run, whatever JAX's default is."""


@contextlib.contextmanager
def pinned_modes() -> Iterator[None]:
    """JAX with every mode at its default that decides bits.

    These are 64-bit numbers, the random generator and its splitting, the precision of matrix products, and whether
    anything is compiled at all. Modes that only check (``debug_nans``, ``numpy_rank_promotion``, ...) stay as they are,
    but for ``debug_infs``: the score of no champion is −inf.
    """
    with contextlib.ExitStack() as stack:
        for mode in (
            _enable_x64(False),
            jax.default_prng_impl(GENERATOR),
            jax.threefry_partitionable(True),
            jax.default_matmul_precision(None),
            jax.disable_jit(False),
            jax.debug_infs(False),
        ):
            stack.enter_context(mode)
        yield


class PinnedFunction:
    """``jax.jit`` of a function that is traced and called in :func:`pinned_modes`."""

    def __init__(self, function: Callable[..., Any], **options: Any):
        self._compiled: Any = jax.jit(function, **options)
        functools.update_wrapper(self, function)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """What the function returns, compiled."""
        with pinned_modes():
            return self._compiled(*arguments, **keywords)

    def lower(self, *arguments: Any, **keywords: Any) -> Any:
        """As ``jax.jit``'s: the program for these arguments, not compiled yet."""
        with pinned_modes():
            return self._compiled.lower(*arguments, **keywords)

    def clear_cache(self) -> None:
        """Forgets what is compiled."""
        self._compiled.clear_cache()

    def _cache_size(self) -> int:
        return int(self._compiled._cache_size())


def _enable_x64(enabled: bool) -> Any:
    home: Any = jax if hasattr(jax, "enable_x64") else importlib.import_module("jax.experimental")  # before jax 0.8
    return home.enable_x64(enabled)
