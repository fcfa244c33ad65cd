"""Direct genomes: how they start, and where each of their numbers goes, for any blueprint."""

import jax.numpy as jnp
import numpy as np
import pytest

from koki2_train.brains import Blueprint, Parameter
from koki2_train.experiment.sections import DirectSettings
from koki2_train.genomes import DirectGenome

LARGE = Blueprint.of(
    w_in=Parameter((200, 4), "input"), w_rec=Parameter((200, 20), "recurrent"), w_motor=Parameter((200, 5), "motor")
)


def test_every_number_goes_to_its_place():
    blueprint = Blueprint.of(
        bias=Parameter((3,), "bias"),
        w=Parameter((2, 3), "motor", (1.0, 2.0, 4.0)),
        tau=Parameter((), "constant"),
        none=Parameter((0, 2), "input"),
    )
    genome = DirectGenome(DirectSettings(), blueprint)
    assert genome.size == 10
    arrays = genome.compile(jnp.arange(1.0, 11.0))
    blueprint.check(arrays)
    np.testing.assert_array_equal(arrays["bias"], [1, 2, 3])
    np.testing.assert_array_equal(arrays["w"], np.asarray([[4, 5, 6], [7, 8, 9]]) / [1, 2, 4])
    assert float(arrays["tau"]) == 10
    assert arrays["none"].shape == (0, 2)


@pytest.mark.parametrize("scale", [0.1, 2.0, 0.0])
def test_genomes_start_as_small_noise(key, scale):
    genome = DirectGenome(DirectSettings(init_scale=scale), LARGE)
    start = genome.init(key)
    assert (start.shape, start.dtype) == ((genome.size,), jnp.float32)
    arrays = genome.compile(start)
    np.testing.assert_allclose(arrays["w_rec"].std(), scale, rtol=0.05)
    np.testing.assert_allclose(arrays["w_in"].std(), scale, rtol=0.1)
    np.testing.assert_allclose(arrays["w_rec"].mean(), 0.0, atol=0.05 * scale)
    if scale:
        assert not np.array_equal(arrays["w_in"].ravel()[:100], arrays["w_motor"].ravel()[:100]), "draws of their own"
        np.testing.assert_allclose(np.mean(np.abs(arrays["w_rec"]) < scale), 0.683, atol=0.03, err_msg="normal")


def test_values_are_held_in_units_of_one_over_what_they_multiply(key):
    sizes = np.asarray([0.25, 1.0, 2.0])
    plain, scaled = (
        DirectGenome(DirectSettings(), Blueprint.of(w=Parameter((200, 3), "input", scale)))
        for scale in ((), tuple(sizes))
    )
    start = scaled.init(key)
    np.testing.assert_allclose(start.reshape(200, 3).std(axis=0), 0.1 * sizes, rtol=0.2)
    compiled = scaled.compile(start)["w"]
    np.testing.assert_allclose(compiled, plain.compile(plain.init(key))["w"], rtol=1e-6, err_msg="weights start alike")
    moved = scaled.compile(start + 0.1)["w"] - compiled
    np.testing.assert_allclose(moved, np.broadcast_to(0.1 / sizes, moved.shape), rtol=1e-4)


def test_equal_genomes_share_compiled_code():
    one, other = (DirectGenome(DirectSettings(), LARGE) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one != DirectGenome(DirectSettings(init_scale=0.3), LARGE)
    assert one != DirectGenome(DirectSettings(), Blueprint(LARGE.parameters[:2]))
