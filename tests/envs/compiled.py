"""What a function compiles to, and whether two ways of compiling give the same numbers."""

import jax
import numpy as np


def primitives(jaxpr):
    """Names of all primitives in a jaxpr and what it calls."""
    for equation in jaxpr.eqns:
        yield equation.primitive.name
        for inner in jax.tree.leaves(list(equation.params.values()), is_leaf=lambda x: hasattr(x, "eqns")):
            if hasattr(inner, "eqns"):
                yield from primitives(inner)


def draws(function, *args):
    """How often a function draws random bits."""
    return sum(name in ("random_bits", "threefry2x32") for name in primitives(jax.make_jaxpr(function)(*args).jaxpr))


def assert_same(actual, expected):
    for got, wanted in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-6, rtol=0)
