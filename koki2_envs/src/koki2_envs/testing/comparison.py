"""Comparison of pytrees of arrays with each other and with spaces, for :mod:`koki2_envs.testing`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

# Compiled and interpreted arithmetic round differently.
TOLERANCE = 1e-5


def require(holds: Any, message: str) -> None:
    """Asserts, also where Python leaves out ``assert`` statements (``python -O``)."""
    if not holds:
        raise AssertionError(message)


def arrays(tree: Any) -> list[np.ndarray]:
    """The leaves of a pytree as NumPy arrays; typed random keys as their data."""

    def plain(leaf: Any) -> np.ndarray:
        typed = isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        return np.asarray(jax.random.key_data(leaf) if typed else leaf)

    return [plain(leaf) for leaf in jax.tree.leaves(tree)]


def is_close(actual: Any, expected: Any, tolerance: float = TOLERANCE) -> bool:
    """Whether two pytrees hold the same numbers: integers exactly, floats within ``tolerance``, NaN like NaN."""
    pairs = list(zip(arrays(actual), arrays(expected), strict=False))
    got: Any = jax.tree.structure(actual)
    return got == jax.tree.structure(expected) and all(
        np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)
        if a.dtype.kind == "f" and a.shape == b.shape
        else np.array_equal(a, b)
        for a, b in pairs
    )


def assert_close(what: str, actual: Any, expected: Any, tolerance: float = TOLERANCE) -> None:
    """Asserts :func:`is_close`, leaf by leaf; ``what`` begins the message."""
    leaves = jax.tree_util.tree_flatten_with_path(expected)[0]
    got = jax.tree.leaves(actual)
    require(len(got) == len(leaves), f"{what} has {len(got)} arrays instead of {len(leaves)}")
    for (path, wanted), value in zip(leaves, got, strict=True):
        where = jax.tree_util.keystr(path)
        require(
            is_close(value, wanted, tolerance), f"{what} differs at {where or 'the value'}: {value} is not {wanted}"
        )


def assert_rows(what: str, batch: Any, rows: list[Any]) -> None:
    """Asserts that row i of a batched pytree is close to ``rows[i]``."""
    for i, row in enumerate(rows):
        assert_close(f"{what}, row {i},", jax.tree.map(lambda x, i=i: x[i], batch), row)


def assert_same_types(what: str, actual: Any, expected: Any) -> None:
    """Asserts the same tree, shapes and dtypes."""
    got: Any = jax.tree.structure(actual)
    wanted: Any = jax.tree.structure(expected)
    require(got == wanted, f"{what} has another structure: {got} is not {wanted}")
    for (path, value), other in zip(
        jax.tree_util.tree_flatten_with_path(actual)[0], jax.tree.leaves(expected), strict=True
    ):
        require(
            describe(value) == describe(other),
            f"{what} has another type at {jax.tree_util.keystr(path) or 'the value'}: "
            f"{describe(value)} is not {describe(other)}",
        )


def assert_in_space(what: str, value: Any, space: Any) -> None:
    """Asserts that a value is in a space, and has its shape and (up to a conversion of the same kind) its dtype."""
    shape, dtype = getattr(space, "shape", None), getattr(space, "dtype", None)
    if shape is not None and dtype is not None:
        require(np.shape(value) == tuple(shape), f"{what} has shape {np.shape(value)} instead of {tuple(shape)}")
        got = jnp.asarray(value).dtype
        require(np.can_cast(got, dtype, "same_kind"), f"{what} has dtype {got}, which is not {np.dtype(dtype)}")
    require(bool(space.contains(value)), f"{what} is outside {space}: {value}")


def describe(value: Any) -> str:
    """Dtype and shape of an array or number, such as ``float32[4]``."""
    try:
        return f"{jnp.result_type(value)}{list(np.shape(value))}"
    except TypeError:
        return repr(value)


def is_real_scalar(value: Any) -> bool:
    """Whether a value is one integer or floating-point number."""
    try:
        return np.shape(value) == () and jnp.result_type(value).kind in "iuf"
    except TypeError:
        return False


def stack(trees: list[Any]) -> Any:
    """Pytrees stacked along a new leading axis."""
    return jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(leaf) for leaf in leaves]), *trees)


def vary(value: Any) -> Any:
    """The same pytree with other floating-point numbers in the place of those it has; integers and flags stay."""

    def other(leaf: Any) -> Any:
        floating = isinstance(leaf, float) or getattr(getattr(leaf, "dtype", None), "kind", "") == "f"
        return leaf if not floating else leaf * 0.75 if np.all(np.asarray(leaf)) else leaf + 0.25

    return jax.tree.map(other, value)


def variations(params: Any) -> Iterator[tuple[str, Any]]:
    """Params with one knob changed, each with the knob's name; changes that the params reject are left out."""
    for field in dataclasses.fields(params):
        value = getattr(params, field.name)
        changed = value + 1 if field.name == "max_steps_in_episode" else vary(value)
        if not is_close(changed, value, 0.0):
            try:
                yield field.name, params.replace(**{field.name: changed})
            except (TypeError, ValueError):
                continue


def all_varied(params: Any) -> Any:
    """Params in which every float has changed that the params let change on its own."""
    for name, changed in variations(params):
        if name != "max_steps_in_episode":
            params = params.replace(**{name: getattr(changed, name)})
    return params
