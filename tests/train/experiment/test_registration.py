"""Registries: parts of an experiment by name or as module:Class, their settings, and what is rejected."""

import json
import textwrap
from dataclasses import dataclass

import pytest

from koki2_train.experiment import BRAINS, GENOMES, STRATEGIES, Experiment, Part, Settings, setting
from koki2_train.experiment.brain_settings import GRUSettings, SpikingSettings
from koki2_train.experiment.registration import REGISTRIES, Registration, Registry
from koki2_train.experiment.sections import DirectSettings, OpenESSettings
from koki2_train.experiment.sources import read_settings_file

SPIKING = "koki2_train.brains.spiking:SpikingBrain"


@dataclass(frozen=True)
class Few(Settings):
    n_neurons: int = setting(3, "how many", low=1)
    memory: float = setting(0.5, "how long", low=0.0, high=0.9)


@dataclass(frozen=True)
class Fractional(Settings):
    n_neurons: float = setting(3.0, "how many")


@pytest.fixture
def registry():
    return Registry("brain", spiking=Registration(SPIKING, SpikingSettings))


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A custom module, which is written here; what it adds to the registries goes with the test."""
    for entry in REGISTRIES.values():
        monkeypatch.setattr(entry, "_entries", dict(entry._entries))
    monkeypatch.syspath_prepend(str(tmp_path))
    written = []

    def write(code):
        name = f"own_parts_{tmp_path.name.replace('-', '_')}_{len(written)}"
        header = "from dataclasses import dataclass\nfrom koki2_train.experiment import Settings, setting\n"
        (tmp_path / f"{name}.py").write_text(header + textwrap.dedent(code))
        written.append(name)
        return name

    return write


LEAKY = """
    @dataclass(frozen=True)
    class LeakySettings(Settings):
        n_neurons: int = setting(3, "how many", low=1)
        memory: float = setting(0.5, "how long", low=0.0, high=0.9)

    class Leaky:
        settings_class = LeakySettings
"""


def test_ours_are_found_by_name():
    assert [list(entry) for entry in (BRAINS, GENOMES, STRATEGIES)] == [["spiking", "gru"], ["direct"], ["open_es"]]
    ours = [(BRAINS, SpikingSettings), (BRAINS, GRUSettings), (GENOMES, DirectSettings), (STRATEGIES, OpenESSettings)]
    for (entry, settings), name in zip(ours, ["spiking", "gru", "direct", "open_es"], strict=True):
        assert entry[name].settings is settings is entry.implementation(name).settings_class


class TestRegister:
    def test_an_entry_is_found_by_its_name(self, registry, own):
        module = own(LEAKY)
        registry.register("few", f"{module}:Leaky", Few)
        assert list(registry) == ["spiking", "few"]
        assert registry["few"] == Registration(f"{module}:Leaky", Few), "not imported before it is used"
        assert {"memory", "theta"} <= set(registry.fields())
        registry.register("few", f"{module}:Leaky", Few)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("my brain", "module:Class"), ["brain", "identifier", "'my brain'"]),
            (("few", "module.Class"), ["'few'", "module:Class", "'module.Class'"]),
            (("spiking", "module:Class"), ["'spiking'", "registered already", SPIKING]),
            (("few", "module:Class", Fractional), ["'few'", "n_neurons", "of type int"]),
        ],
    )
    def test_invalid_entries_are_rejected_and_leave_nothing(self, registry, arguments, words):
        with pytest.raises(ValueError) as caught:
            registry.register(*arguments)
        assert all(word in str(caught.value) for word in words), caught.value
        assert list(registry) == ["spiking"]

    def test_settings_that_are_not_those_of_the_class_are_found_out(self, registry):
        registry.register("forgetful", SPIKING)
        with pytest.raises(ValueError, match=r"'forgetful'.*Settings.*SpikingSettings"):
            registry.implementation("forgetful")


class TestModuleAndClass:
    def test_it_needs_no_registration(self, registry, own):
        name = f"{own(LEAKY)}:Leaky"
        assert registry.implementation(name).__name__ == "Leaky"
        assert list(registry) == ["spiking", name], "known from now on, with its settings"
        assert "memory" in registry.fields()

    @pytest.mark.parametrize(
        ("code", "name", "words"),
        [
            (None, "spikin", ["unknown brain 'spikin'", "did you mean 'spiking'", "module:Class"]),
            (None, "koki2_nowhere:Leaky", ["brain 'koki2_nowhere:Leaky' cannot be imported", "ModuleNotFoundError"]),
            (LEAKY, "Leeky", ["cannot be imported", "AttributeError", "'Leeky'"]),
            ("1 / 0", "Leaky", ["cannot be imported", "ZeroDivisionError"]),
            ("class Leaky: pass", "Leaky", ["settings_class derived from Settings", "None"]),
            ("class Leaky:\n    settings_class = dict", "Leaky", ["settings_class derived from Settings", "dict"]),
        ],
    )
    def test_errors_name_the_part_and_the_cause(self, registry, own, code, name, words):
        name = name if code is None else f"{own(code)}:{name}"
        with pytest.raises(ValueError) as caught:
            registry[name]
        assert all(word in str(caught.value) for word in words), caught.value
        assert list(registry) == ["spiking"]


class TestExperiment:
    @pytest.fixture
    def leaky(self, own):
        return f"{own(LEAKY)}:Leaky"

    def test_it_takes_a_part_of_ones_own_and_survives_json(self, leaky):
        experiment = Experiment.build("L0.2", {"brain": leaky, "memory": 0.25, "sigma": 0.3})
        assert isinstance(experiment.brain, Part)
        assert (experiment.brain.name, experiment.brain.settings.memory) == (leaky, 0.25)
        assert Experiment.from_dict(json.loads(json.dumps(experiment.to_dict()))) == experiment
        assert Experiment.build("L0.2", experiment.settings()) == experiment

    def test_another_brain_inherits_no_settings(self, leaky):
        spiking = Experiment.build("L0.2", {"n_neurons": 12, "sigma": 0.3, "init_scale": 0.5, "steps": 40})
        other = spiking.with_settings({"brain": leaky, "memory": 0.75})
        assert (other.brain.settings.n_neurons, other.brain.settings.memory) == (3, 0.75)
        assert (other.genome, other.strategy, other.params) == (spiking.genome, spiking.strategy, spiking.params)
        again = other.with_settings({"memory": 0.5})
        assert (again.brain.name, again.brain.settings.memory) == (leaky, 0.5)
        assert other.with_settings({"brain": leaky}) == other
        assert other.with_settings({"brain": "spiking", "n_neurons": 12}) == spiking

    def test_settings_of_another_brain_are_rejected(self, leaky):
        with pytest.raises(ValueError) as caught:
            Experiment.build("L0.2", {"brain": leaky, "theta": 0.5})
        assert "theta" in str(caught.value)
        assert leaky in str(caught.value)
        Experiment.build("L0.2", {"brain": leaky})
        with pytest.raises(ValueError, match="memory"):
            Experiment.build("L0.2", {"memory": 0.5})
        with pytest.raises(ValueError, match=r"memory must be .*0\.9, got 1"):
            Experiment.build("L0.2", {"brain": leaky, "memory": 1.0})

    @pytest.mark.parametrize(
        ("name", "other"), [("width", "rung L0.2"), ("sigma", "strategy"), ("pop_size", "evolution")]
    )
    def test_parts_that_share_the_name_of_a_setting_are_rejected(self, own, name, other):
        module = own(f"""
            @dataclass(frozen=True)
            class Shared(Settings):
                {name}: int = setting(3, "shared", low=1)

            class Clashing:
                settings_class = Shared
        """)
        with pytest.raises(ValueError, match=f"both have a setting called {name}") as caught:
            Experiment.build("L0.2", {"brain": f"{module}:Clashing"})
        assert other in str(caught.value)
        assert f"{module}:Clashing" in str(caught.value)

    @pytest.mark.parametrize(
        "toml",
        [
            'memory = 0.25\nbrain = "{0}"\nsigma = 0.3',
            '[network]\nmemory = 0.25\nbrain = "{0}"\n[search]\nsigma = 0.3',
            '[brain]\nbrain = "{0}"\nmemory = "0.25"\n[strategy]\nsigma = 0.3',
        ],
    )
    def test_toml_names_it_with_its_settings_in_any_order(self, leaky, tmp_path, toml):
        (tmp_path / "own.toml").write_text(toml.format(leaky))
        settings = read_settings_file(tmp_path / "own.toml")
        assert settings == {"brain": leaky, "memory": 0.25, "sigma": 0.3}

    @pytest.mark.parametrize(
        ("toml", "words"),
        [
            ("brain = 3", ["brain", "must be a name", "3"]),
            ('brain = "spikin"', ["brain", "did you mean 'spiking'"]),
            ('genome = "koki2_nowhere:Flat"', ["genome 'koki2_nowhere:Flat' cannot be imported"]),
        ],
    )
    def test_invalid_toml_is_rejected_by_name(self, tmp_path, toml, words):
        (tmp_path / "own.toml").write_text(toml)
        with pytest.raises((ValueError, TypeError)) as caught:
            read_settings_file(tmp_path / "own.toml")
        assert all(word in str(caught.value) for word in words), caught.value
