"""The ladder: its rungs, other people's rungs, errors, and what importing it costs."""

import re
import subprocess
import sys
from pathlib import Path

import gymnax
import pytest

from koki2_envs import RUNGS, Rung, make, ramp, register, register_rung, rung
from koki2_envs.environments import Foraging
from koki2_envs.knobs import knob_fields
from koki2_envs.ladder import ladder_table
from koki2_envs.params import ForagingParams, Structure


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
        with pytest.raises(
            ValueError, match=r"unknown rung 'L0\.3'; did you mean 'L0\..'\?; rungs are L0\.0, L0\.1.*, or module:NAME"
        ):
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
    def test_invalid_structure(self, arguments, error, message):
        with pytest.raises(error, match=message):
            make("L0.2", **arguments)

    def test_params_of_another_world(self):
        env, _ = make("L0.0")
        with pytest.raises(TypeError, match=r"L0\.0 takes ForagingParams, got EnvParams"):
            env.reset(None, gymnax.environments.environment.EnvParams())


ROOT = Path(__file__).parents[2]
PAGES = ("koki2_envs/README.md", "docs/ladder/README.md", "README.md")


@pytest.mark.parametrize("page", [page for page in PAGES if (ROOT / page).is_file()])
def test_the_table_stands_as_it_is_generated(page):
    """In pages that have it; its first cells may be links."""
    text = re.sub(r"\[(L\d\.\d)\]\([^)]*\)", r"\1", (ROOT / page).read_text(encoding="utf-8"))
    rows = [line for line in text.splitlines() if re.match(r"\| L\d\.\d \|", line)]
    if rows or page == PAGES[0]:
        assert rows == ladder_table().splitlines()[2:]


def test_the_package_prints_the_table():
    run = subprocess.run([sys.executable, "-m", "koki2_envs"], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == ladder_table()


def row(**changes):
    fields = {"id": "Mine", "title": "mine", "pressure": "none", "world": RUNGS["L0.0"].world, "params": ForagingParams}
    return Rung(**{**fields, **changes})


class TestOtherPeoplesRungs:
    @pytest.fixture(autouse=True)
    def _only_here(self, monkeypatch, tmp_path):
        before = dict(RUNGS)
        monkeypatch.syspath_prepend(tmp_path)
        (tmp_path / "their_rungs.py").write_text(
            "from koki2_envs import Rung, RUNGS\nHALF = 1\n"
            "MINE = Rung('Mine', 'mine', 'none', RUNGS['L0.0'].world, RUNGS['L0.0'].params, {'num_sources': 2})\n"
        )
        (tmp_path / "their_broken.py").write_text("import no_such_module_at_all\n")
        yield
        sys.modules.pop("their_rungs", None)
        RUNGS.clear()
        RUNGS.update(before)

    def test_a_registered_one_is_a_rung_as_any(self):
        mine = register_rung(row(knobs={"energy_gain": 0.5}, structure={"num_sources": 3}))
        assert rung("Mine") is register_rung(mine) is mine
        assert make("Mine")[1].energy_gain == 0.5
        assert gymnax.make("Mine-koki2") == make("Mine")
        assert "| Mine | mine | none |" in ladder_table()

    def test_one_is_found_by_its_module_without_being_registered(self):
        assert make("their_rungs:MINE", num_sources=4)[0].num_sources == 4
        assert rung("their_rungs:MINE").structure == {"num_sources": 2}
        assert "Mine" not in RUNGS

    def test_it_declares_its_own_structure(self):
        spec = Structure(RUNGS["L0.0"].structure_spec("num_sources").spec)
        mine = row(structure={"num_dogs": 2}, structure_specs={"num_dogs": spec})
        assert mine.structure_spec("num_dogs") is spec
        assert mine.structure_spec("num_sources") == RUNGS["L0.0"].structure_spec("num_sources")
        register_rung(mine)
        with pytest.raises(ValueError, match=r"num_dogs must be .*, got 0"):
            register_rung(row(structure={"num_dogs": 0}, structure_specs={"num_dogs": spec}))

    @pytest.mark.parametrize(
        ("changes", "error", "message"),
        [
            ({"id": "L0.2"}, ValueError, "there already is another rung 'L0.2': 64×1, 4 sources, 2 of them bad"),
            ({"id": "a:b"}, ValueError, "a rung's id must be a name without ':', got 'a:b'"),
            ({"params": dict}, TypeError, "Mine: params must be a subclass of WorldParams, got <class 'dict'>"),
            ({"knobs": {"energy_gian": 1.0}}, ValueError, "Mine: unknown knob 'energy_gian'; did you mean 'energy_g"),
            ({"held_out": {"wdith": 9}}, ValueError, "Mine: unknown knob 'wdith'; did you mean 'width'"),
            ({"knobs": {"energy_init": 2.0}}, ValueError, "energy_init must be above 0 and at most 1, got 2.0"),
            ({"structure": {"num_dogs": 2}}, TypeError, "Mine: structure argument 'num_dogs' is not declared"),
        ],
    )  # fmt: skip
    def test_an_invalid_row_is_rejected(self, changes, error, message):
        before = dict(RUNGS)
        with pytest.raises(error) as caught:
            register_rung(row(**changes))
        assert message in str(caught.value)
        assert before == RUNGS

    @pytest.mark.parametrize(
        ("name", "error", "message"),
        [
            ("their_rungs:", ValueError, "rung must be given as module:NAME, got 'their_rungs:'"),
            ("no_such:X", ValueError, "rung 'no_such:X': importing 'no_such' failed: ModuleNotFoundError: No module"),
            ("their_broken:X", ValueError, "importing 'their_broken' failed: ModuleNotFoundError: No module named"),
            ("their_rungs:MIN", ValueError, "rung 'their_rungs:MIN': 'their_rungs' has no 'MIN'; did you mean 'MINE'?"),
            ("their_rungs:HALF", TypeError, "rung 'their_rungs:HALF' must be a Rung, got 1"),
        ],
    )  # fmt: skip
    def test_one_that_cannot_be_found_says_why(self, name, error, message):
        with pytest.raises(error) as caught:
            rung(name)
        assert message in str(caught.value)

    def test_a_world_that_cannot_be_found_says_why(self):
        with pytest.raises(ValueError, match="world of Mine 'their_rungs:Beach': 'their_rungs' has no 'Beach'"):
            row(world="their_rungs:Beach").make()
        with pytest.raises(TypeError, match=r"register_rung takes a Rung, got 'L0\.2'"):
            register_rung("L0.2")


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
