import subprocess
import sys

import gymnax
import pytest

from koki2_envs import RUNGS, make, ramp, register, rung
from koki2_envs.environments import Foraging
from koki2_envs.knobs import knob_fields
from koki2_envs.params import ForagingParams


def python(code):
    """Runs code in a fresh interpreter and returns what it prints."""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


class TestRungs:
    def test_those_that_exist_are_in_order(self):
        assert list(RUNGS)[:5] == ["L0.0", "L0.1", "L0.2", "L1.0", "L1.1"]

    def test_each_row_is_complete(self):
        for name, row in RUNGS.items():
            assert row.id == name
            assert row.title
            assert row.pressure
            assert set(row.knobs) <= set(knob_fields(row.params))

    @pytest.mark.parametrize(
        ("name", "sources", "knobs"),
        [
            ("L0.0", 1, {"width": 64, "height": 1, "num_bad_sources": 0, "deplete_sources": False}),
            ("L0.1", 1, {"width": 16, "height": 16, "num_bad_sources": 0, "deplete_sources": False}),
            ("L0.2", 4, {"width": 64, "height": 1, "num_bad_sources": 2, "bad_source_integrity_loss": 0.25}),
            ("L1.0", 4, {"num_bad_sources": 2, "deplete_sources": True, "respawn_delay": 4, "grad_dropout_p": 0.0}),
            ("L1.1", 4, {"num_bad_sources": 2, "deplete_sources": True, "respawn_delay": 4, "grad_dropout_p": 0.5}),
        ],
    )
    def test_worlds_are_those_of_the_table(self, name, sources, knobs):
        env, params = make(name)
        assert env.num_sources == sources
        assert {knob: getattr(params, knob) for knob in knobs} == knobs
        assert env.name == f"{name}-koki2"

    @pytest.mark.parametrize("name", RUNGS)
    def test_gymnax_makes_the_same_world(self, name):
        ours, theirs = make(name), gymnax.make(f"{name}-koki2")
        assert ours == theirs
        assert hash(ours[0]) == hash(theirs[0])

    def test_worlds_that_differ_are_not_equal(self):
        assert make("L0.2")[0] != make("L0.2", num_sources=5)[0]
        assert make("L1.0")[0] != make("L1.1")[0]
        assert Foraging("L0.0", ForagingParams(grad_gain=ramp(0, 1))) != Foraging("L0.0", ForagingParams())

    def test_structure_can_be_chosen(self):
        assert make("L1.1", num_sources=7)[0].num_sources == 7
        assert gymnax.make("L1.1-koki2", num_sources=7)[0].num_sources == 7


class TestErrors:
    def test_an_unknown_rung(self):
        with pytest.raises(ValueError, match=r"unknown rung 'L0\.3'; did you mean 'L0\..'\?; rungs are L0\.0, L0\.1"):
            make("L0.3")
        with pytest.raises(TypeError, match=r"a rung is called by its name, such as 'L0\.2', got 1"):
            make(1)
        with pytest.raises(ValueError, match="unknown rung 'maze'; rungs are"):
            rung("maze")

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"grad_gain": 0.5}, TypeError, "no structure argument 'grad_gain'; it is a knob: use params.replace"),
            ({"num_source": 3}, TypeError, "L0.2 has no structure argument 'num_source'; did you mean 'num_sources'"),
            ({"num_sources": 0}, ValueError, "num_sources must be .*1.*, got 0"),
            ({"num_sources": 2.5}, TypeError, "num_sources must be a whole number, got 2.5"),
            ({"num_sources": True}, TypeError, "num_sources must be a whole number, got True"),
            ({"num_sources": "4"}, TypeError, "num_sources must be a whole number, got '4'"),
        ],
    )  # fmt: skip
    def test_structure_that_cannot_be(self, arguments, error, message):
        with pytest.raises(error, match=message):
            make("L0.2", **arguments)

    def test_params_of_another_world(self):
        env, _ = make("L0.0")
        with pytest.raises(TypeError, match=r"L0\.0 takes ForagingParams, got EnvParams"):
            env.reset(None, gymnax.environments.environment.EnvParams())


class TestImports:
    CHECK = """
names = gymnax.registered_envs
print(all(f"{rung}-koki2" in names for rung in koki2_envs.RUNGS), len(set(names)) == len(names))
"""

    @pytest.mark.parametrize("order", ["import koki2_envs, gymnax", "import gymnax, koki2_envs"])
    def test_rungs_are_registered_in_either_order(self, order):
        assert python(order + self.CHECK) == ["True", "True"]

    def test_registering_twice_does_nothing(self):
        before = list(gymnax.registered_envs)
        register(gymnax)
        assert gymnax.registered_envs == before

    def test_importing_the_package_imports_neither_jax_nor_gymnax(self):
        heavy = "{'jax', 'gymnax', 'flax', 'matplotlib'}"
        listing = "koki2_envs.RUNGS['L1.1'].default_params.to_json(); koki2_envs.ramp(0, 1)"
        assert python(f"import koki2_envs, sys; {listing}; print(len({heavy} & set(sys.modules)))") == ["0"]

    def test_params_made_before_jax_is_imported_are_pytrees(self):
        code = (
            "import koki2_envs; p = koki2_envs.RUNGS['L1.1'].default_params; import jax; print(len(jax.tree.leaves(p)))"
        )
        assert python(code) == [str(len(knob_fields(ForagingParams)))]
