"""Blueprints: what a brain asks for, what is rejected, and the interface that a world gives."""

import jax.numpy as jnp
import pytest

from koki2_envs import RUNGS, make
from koki2_train.brains import Blueprint, Interface, Parameter, SpikingBrain
from koki2_train.experiment.brain_settings import SpikingSettings

BLUEPRINT = Blueprint.of(w=Parameter((2, 3), "motor", (1.0, 2.0, 4.0)), tau=Parameter((), "constant", unit="steps"))


def arrays(**changes):
    given = {"w": jnp.ones((2, 3)), "tau": jnp.float32(1.0)} | changes
    return {name: array for name, array in given.items() if array is not None}


def test_its_size_counts_all_numbers():
    assert [parameter.size for _, parameter in BLUEPRINT.parameters] == [6, 1]
    assert BLUEPRINT.size == 7
    assert Blueprint(()).size == 0


def test_equal_blueprints_share_compiled_code():
    again = Blueprint.of(w=Parameter((2, 3), "motor", (1.0, 2.0, 4.0)), tau=Parameter((), "constant", unit="steps"))
    assert again == BLUEPRINT
    assert hash(again) == hash(BLUEPRINT)
    assert Blueprint(BLUEPRINT.parameters[::-1]) != BLUEPRINT, "genomes are cut in this order"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (((2, 3), "motors"), ["role", "motor", "'motors'"]),
        (((2, 3), "motor", (1.0, 2.0)), ["scale", "(2, 3)", "got 2"]),
        (((), "constant", (1.0,)), ["scale", "()", "got 1"]),
        (((2,), "bias", (), "", 2), ["sign", "-1, 0 or 1", "got 2"]),
    ],
)
def test_invalid_parameters_are_rejected_by_name(arguments, words):
    with pytest.raises(ValueError) as caught:
        Parameter(*arguments)
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tau": None}, ["['tau', 'w']", "['w']"]),
        ({"theta": jnp.ones(2)}, ["['tau', 'w']", "theta"]),
        ({"w": jnp.ones((3, 2))}, ["array 'w'", "(2, 3)", "(3, 2)"]),
        ({"tau": jnp.ones(1)}, ["array 'tau'"]),
        ({"w": jnp.ones((2, 3), jnp.int32)}, ["float32", "int32"]),
    ],
)
def test_arrays_that_are_not_those_asked_for_are_rejected_by_name(changes, words):
    BLUEPRINT.check(arrays())
    with pytest.raises(AssertionError) as caught:
        BLUEPRINT.check(arrays(**changes))
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize("rung", ["L0.0", "L4.2"])
def test_a_spiking_brain_asks_for_what_its_world_has(rung):
    assert rung in RUNGS
    env, _ = make(rung)
    interface = Interface.of(env)
    assert interface.num_observations == env.observation_space(env.default_params).shape[0]
    assert interface.num_actions == env.num_actions == len(interface.action_names)
    brain = SpikingBrain(SpikingSettings(n_neurons=10, k_edges=4), interface)
    shapes = {name: parameter.shape for name, parameter in brain.blueprint().parameters}
    observations, actions = interface.num_observations, interface.num_actions
    assert shapes == {"w_in": (10, observations), "w_rec": (10, 4), "w_motor": (10, actions), "b_motor": (actions,)}
    scales = {name: parameter.scale for name, parameter in brain.blueprint().parameters}
    assert scales.pop("w_in") == tuple(env.observation_scales)
    assert set(scales.values()) == {()}
    plain = SpikingBrain(SpikingSettings(n_neurons=10, k_edges=4, scale_senses=False), interface)
    assert dict(plain.blueprint().parameters)["w_in"].scale == ()
