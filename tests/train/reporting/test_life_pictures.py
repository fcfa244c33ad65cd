"""Pictures of brains at work: the recorded life is the evaluated one, and its spikes stand under the world."""

import dataclasses

import jax
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from koki2_train.brains import ReferenceBrain, SpikingBrain
from koki2_train.experiment import Experiment
from koki2_train.reporting.life_pictures import choose_life, learning_panel, record_life, spike_panel, write_life
from koki2_train.rollout.lifetime import rollout_life
from koki2_train.rollout.problem import Problem

STEPS, NEURONS = 20, 12


@pytest.fixture(scope="module")
def spiking():
    settings = {"steps": STEPS, "n_neurons": NEURONS, "k_edges": 4, "init_scale": 0.8}
    experiment = Experiment.build("L0.2", settings)
    problem = Problem.of(experiment, 1)
    weights = problem.develop(problem.genome.init(jax.random.key(1)), {})
    return problem.env, experiment.params, problem.brain, weights


def test_the_recorded_life_is_the_evaluated_one(spiking):
    key = jax.random.key(5)
    summary, record = record_life(*spiking, key)
    env, env_params, brain, weights = spiking
    evaluated = jax.jit(lambda: rollout_life(env, env_params, brain, weights, key, num_steps=STEPS))()
    assert jax.tree.map(float, summary) == jax.tree.map(float, evaluated)
    assert record.num_steps == STEPS
    assert record.num_lived == summary.steps_alive
    assert record.fitness == pytest.approx(float(summary.fitness))
    assert record.states.time.tolist() == list(range(STEPS + 1))
    assert record.observations.shape == (STEPS, 4)
    assert record.extra["spikes"].shape == (STEPS, NEURONS)
    assert set(np.unique(record.extra["spikes"])) == {0.0, 1.0}


def test_knobs_and_lives_share_one_compilation(spiking):
    from koki2_train.reporting.life_pictures import _trace

    env, env_params, brain, weights = spiking
    record_life(*spiking, jax.random.key(0))
    before = _trace._cache_size()
    record_life(env, env_params.replace(energy_gain=0.3), brain, weights, jax.random.key(1))
    assert _trace._cache_size() == before


def test_still_and_film_of_a_spiking_brain(spiking, tmp_path):
    png, gif = tmp_path / "life.png", tmp_path / "life.gif"
    summary = write_life(*spiking, jax.random.key(5), png_path=png, gif_path=gif, title="a life", fps=25)
    with Image.open(gif) as film:
        assert film.n_frames == int(summary.steps_alive) + 1
        assert film.info["duration"] == 40
    with Image.open(png) as with_spikes:
        height = with_spikes.height
    write_life(spiking[0], spiking[1], ReferenceBrain("random", spiking[0]), (), jax.random.key(5), png_path=png)
    with Image.open(png) as without:
        assert without.height < height


def test_a_brain_that_learns_shows_it_in_still_and_film(spiking, tmp_path, monkeypatch):
    """The same life, as if its brain had learned in it: a taller still, and a film in which two more bars change."""
    summary, record = record_life(*spiking, jax.random.key(5))
    lived, steps = int(summary.steps_alive), np.arange(STEPS, dtype=np.float32)
    learned = {"modulator": np.sin(steps), "distance_from_birth": 0.01 * steps}
    sizes, films = [], []
    for extra in ({}, learned):
        shown = dataclasses.replace(record, extra=record.extra | extra)
        monkeypatch.setattr("koki2_train.reporting.life_pictures.record_life", lambda *_, s=shown, **__: (summary, s))
        write_life(*spiking, jax.random.key(5), png_path=tmp_path / "life.png", gif_path=tmp_path / "life.gif")
        with Image.open(tmp_path / "life.png") as still, Image.open(tmp_path / "life.gif") as film:
            sizes.append((still.height, film.height))
            films.append(film.n_frames)
    assert films == [lived + 1, lived + 1]
    assert sizes[1][0] > sizes[0][0]
    assert sizes[1][1] > sizes[0][1], "on a strip the bars stand below those of the body"


@pytest.mark.parametrize(
    ("modulator", "end"), [([0.5, 0.0, -1.0], 1.0), ([0.0, 1.2, 0.0], 2.0), ([0.0, 0.0, 0.0], 1.0)]
)
def test_learning_panel_has_a_bar_a_step_and_a_line(modulator, end):
    ax = Figure().add_subplot()
    learning_panel(np.asarray(modulator), np.asarray([0.0, 0.1, 0.3])).draw(ax)
    up, down = (patch.get_data().values.tolist() for patch in ax.patches)
    assert np.add(up, down).tolist() == modulator
    assert min(up) >= 0 >= max(down)
    assert ax.get_yticks().tolist() == [-end, 0, end]
    (line,) = ax.figure.axes[1].lines
    assert line.get_xydata().tolist() == [[1, 0.0], [2, 0.1], [3, 0.3]]
    assert ax.figure.axes[1].get_yticks().tolist() == [0, 0.5]


class Talkative(SpikingBrain):
    """Records more than spikes, under names of its own."""

    def recordings(self, weights, carry):
        return {"potential": carry.potential, "fired": carry.spikes}


def test_whatever_a_brain_records_is_kept_and_only_spikes_are_drawn(spiking, tmp_path):
    env, env_params, brain, weights = spiking
    talkative = Talkative(brain.settings, brain.interface)
    _, record = record_life(env, env_params, talkative, weights, jax.random.key(5))
    _, plain = record_life(*spiking, jax.random.key(5))
    assert record.extra.keys() == {"potential", "fired"}
    np.testing.assert_array_equal(record.extra["fired"], plain.extra["spikes"])
    png = tmp_path / "life.png"
    assert write_life(env, env_params, talkative, weights, jax.random.key(5), png_path=png).fitness == plain.fitness


@pytest.mark.parametrize(
    ("fitness", "worst", "median", "best"),
    [
        ([3.0, 1.0, 2.0], 1, 2, 0),
        ([3.0, 1.0, 2.0, 4.0], 1, 2, 3),  # of an even number the lower one
        ([2.0, 1.0, 2.0, 2.0, 2.0], 1, 0, 0),  # of equals the first
        ([5.0, np.nan, 6.0], 1, 0, 2),
        ([np.nan, np.inf], 0, 0, 0),
        ([7.0], 0, 0, 0),
    ],
)
def test_a_life_is_chosen_by_its_fitness(fitness, worst, median, best):
    chosen = [choose_life(np.asarray(fitness), which) for which in ("worst", "median", "best")]
    assert chosen == [worst, median, best]


def test_crowded_spikes_are_averaged_and_few_are_not():
    def drawn(shape):
        ax = Figure(figsize=(4, 3)).add_subplot()
        spike_panel(np.zeros(shape)).draw(ax)
        return ax.images[0].get_interpolation()

    assert [drawn((9, 3)), drawn((9, 900)), drawn((900, 3))] == ["nearest", "antialiased", "antialiased"]


def test_spike_panel_draws_a_row_a_neuron():
    spikes = np.zeros((7, 4))
    spikes[2, 3] = 1.0
    ax = Figure().add_subplot()
    spike_panel(spikes).draw(ax)
    shown = ax.images[0].get_array()
    assert shown.shape == (4, 7)
    assert np.argwhere(shown).tolist() == [[3, 2]]
    assert ax.texts[0].get_text().split() == ["mean", "rate", "0.04;", "3", "of", "4", "silent"]
    (rates,) = ax.child_axes
    assert rates.patches[0].get_data().values.tolist() == [0.0, 0.0, 0.0, pytest.approx(1 / 7)]


def test_errors_by_name(spiking, tmp_path):
    with pytest.raises(ValueError, match=r"png_path, gif_path"):
        write_life(*spiking, jax.random.key(0))
    with pytest.raises(OSError, match="nowhere"):
        write_life(*spiking, jax.random.key(0), png_path=tmp_path / "nowhere" / "life.png")
    assert not list(tmp_path.iterdir())
