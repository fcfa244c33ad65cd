"""The page on learning says what there is: settings, presets, metrics and controls."""

from pathlib import Path

import pytest

from koki2_envs.knobs import knob_fields, spec_of
from koki2_train.brains import Interface, SpikingBrain
from koki2_train.evaluation.controls import CONTROLS
from koki2_train.experiment.brain_settings import PlasticitySettings, SpikingSettings
from koki2_train.experiment.sources import preset_names

PAGE = (Path(__file__).parents[3] / "docs" / "learning.md").read_text(encoding="utf-8")


def rows(heading):
    """The first cells and the rest of the rows of the table under a heading."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in section.splitlines() if "|" in line]
    return {first: rest for first, *rest in cells[2:]}


@pytest.mark.parametrize("name", knob_fields(PlasticitySettings))
def test_a_setting_is_as_it_is_declared(name):
    field, dynamic = knob_fields(PlasticitySettings)[name], name in PlasticitySettings.dynamic_fields()
    default, _, meaning = rows("Settings")[f"`{name}` †" if dynamic else f"`{name}`"]
    spec = spec_of(field)
    shown = spec.named(field.default)
    assert default.strip("`") == (f"{shown:g}" if isinstance(shown, float) else str(shown).lower())
    assert meaning == spec.doc


def test_tables_have_all_and_nothing_else():
    assert len(rows("Settings")) == len(knob_fields(PlasticitySettings))
    assert list(rows("Controls")) == [f"`{name}`" for name in CONTROLS]
    assert set(rows("Presets")) == {f"`{name}`" for name in preset_names() if name.startswith("plastic")}


def test_metrics_are_those_of_a_brain_that_learns():
    brain = SpikingBrain(SpikingSettings(plast_enabled=True), Interface(("a_x",), (1.0,), ("stay",)))
    weights = brain.develop({name: _zeros(p) for name, p in brain.blueprint().parameters}, brain.settings.dynamic())
    carry, one = brain.init(weights), 1.0
    counted = brain.measure(weights, carry, carry, _outcome())
    of_brain = set(brain.metrics(counted, one))
    assert set(rows("Metrics")) == {f"`{name}`" for name in {*of_brain, "event_fraction"}}


def _zeros(parameter):
    import jax.numpy as jnp

    return jnp.zeros(parameter.shape, jnp.float32)


def _outcome():
    import jax.numpy as jnp

    from koki2_train.brains import Outcome

    return Outcome(jnp.bool_(True), *(jnp.float32(0.0) for _ in range(6)))
