"""A whole run in memory, of other people's brains, genomes and strategies; and the contracts that they must keep."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from koki2_train.brains import Blueprint, Brain, Parameter
from koki2_train.evolution import Search, compiled_init, compiled_steps, evolve
from koki2_train.experiment import Experiment, Trial
from koki2_train.genomes import Genome
from koki2_train.strategies import Strategy

SMALL = {"generations": 3, "pop_size": 4, "episodes": 1, "steps": 4, "validate_every": 2, "validation_episodes": 2}


class Reflex(Brain):
    """Chooses among actions by weights times senses."""

    def blueprint(self):
        shape = (self.interface.num_actions, self.interface.num_observations)
        return Blueprint.of(reflex=Parameter(shape, "motor"))

    def init(self, weights):
        return ()

    def act(self, weights, carry, observation, key):
        return jnp.argmax(weights["reflex"] @ observation).astype(jnp.int32), carry


class OneNumber(Genome):
    """Every array is filled with multiples of the genome's one number."""

    size = 1

    def init(self, key):
        return jax.random.normal(key, (1,))

    def compile(self, genome):
        shapes = {name: parameter.shape for name, parameter in self.blueprint.parameters}
        return {name: genome[0] * jnp.cos(jnp.arange(np.prod(s)).reshape(s)) for name, s in shapes.items()}


class HillClimb(Strategy):
    """Keeps the best genome of the last generation."""

    def init(self, key, genome):
        return genome

    def ask(self, key, state):
        noise = jax.random.normal(key, (self.pop_size, self.num_dims))
        return state + noise.at[0].set(0.0)

    def tell(self, key, population, score, valid, state):
        return population[jnp.argmax(jnp.where(valid, score, -1.0))]

    def candidates(self, state):
        return state[None]


def own(**parts):
    return {part: f"{__name__}:{name}" for part, name in parts.items()}


def trial_of(**parts):
    return Trial(Experiment.build("L0.0", {**SMALL, **own(**parts)}), 0)


def test_brain_genome_and_strategy_of_ones_own_evolve_together():
    trial = trial_of(brain="Reflex", genome="OneNumber", strategy="HillClimb")
    state, log = evolve(trial, 1)
    assert log.generation.tolist() == [0, 1, 2]
    assert state.champion.shape == (1,)
    assert np.isfinite(log.fitness_mean).all()
    assert (np.asarray(log.fitness_best) >= np.asarray(log.fitness_mean)).all()
    assert np.isnan(log.sigma).all(), "it has no step size"
    assert float(state.champion_score) >= float(log.champion_score[-1]) > -np.inf
    assert Trial.from_dict(trial.to_dict()) == trial


@pytest.mark.slow
@pytest.mark.parametrize("parts", [{"brain": "Reflex"}, {"genome": "OneNumber"}, {"strategy": "HillClimb"}])
def test_each_fits_to_those_that_are_built_in(parts):
    _, log = evolve(trial_of(**parts), 1)
    assert np.isfinite(log.fitness_mean).all()


class Liar(OneNumber):
    def init(self, key):
        return jnp.zeros(2)


class Miser(HillClimb):
    def ask(self, key, state):
        return super().ask(key, state)[1:]


class Forgetful(OneNumber):
    def compile(self, genome):
        return {}


class Giant(OneNumber):
    def compile(self, genome):
        return {name: jnp.zeros((9, 9)) for name in super().compile(genome)}


class Double(OneNumber):
    def compile(self, genome):
        return {name: array.astype(jnp.int32) for name, array in super().compile(genome).items()}


class Vague(Reflex):
    def act(self, weights, carry, observation, key):
        return jnp.float32(1), carry


class Chorus(Reflex):
    def act(self, weights, carry, observation, key):
        return jnp.zeros(2, jnp.int32), carry


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"genome": "Liar"}, r"a genome's init"),
        ({"strategy": "Miser"}, r"a strategy's ask"),
        ({"genome": "Forgetful"}, r"must give the arrays \['reflex'\], got \[\]"),
        ({"genome": "Giant"}, r"array 'reflex' of the blueprint"),
        ({"genome": "Double"}, r"float32"),
        ({"brain": "Chorus"}, r"the action of Chorus"),
        ({"brain": "Vague"}, r"float32 but expected .*the action of Vague"),
    ],
)
def test_a_part_that_breaks_its_contract_is_named(parts, message):
    search = Search.of(trial_of(**{"brain": "Reflex", "genome": "OneNumber", "strategy": "HillClimb", **parts}), 1)
    with pytest.raises(AssertionError, match=message):
        compiled_steps(search, compiled_init(search), jnp.int32(1), 1)
