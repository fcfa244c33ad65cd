"""Plans of comparisons: what each key means, and that a mistake is named before anything is begun."""

import re
import tomllib
from pathlib import Path

import pytest

from koki2_train.experiment import Experiment
from koki2_train.runs.directory import RunWarning
from koki2_train.studies.plan import DEFAULTS, REQUIRED, parse_plan, read_plan


@pytest.fixture
def changed(plan_text):
    """The tiny plan with texts replaced."""

    def change(*replacements):
        text = plan_text
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        return text

    return change


def test_what_a_plan_says(plan_text, tiny_settings):
    plan = parse_plan(plan_text)
    assert (plan.title, plan.rung, plan.primary, plan.smallest_effect) == ("Tiny", "L0.2", "fitness", 2.0)
    assert (plan.seeds, plan.episodes, plan.test_seed, plan.test_world) == (tuple(range(100, 106)), 8, 0, "adult")
    assert plan.comparisons == (("rich", "plain"),)
    plain, rich = plan.arms
    settings = {**tiny_settings, "mvt": False, "generations": 2}
    assert plain.experiment == Experiment.build("L0.2", settings)
    assert rich.experiment == Experiment.build("L0.2", {**settings, "energy_gain": 0.3})
    assert not rich.learns


@pytest.mark.filterwarnings("ignore:arms.rich")
def test_presets_are_read_first_then_settings_then_those_of_the_arm(changed):
    plan = parse_plan(
        changed(
            ("generations = 2", "generations = 40"),
            ("[settings]\n", '[settings]\npreset = "quick"\nlr = 0.07\n'),
            ("energy_gain = 0.3", 'preset = ["l1_hard"]\nsteps = 24\n'),
        ).replace('rung = "L0.2"', 'rung = "L1.0"')
    )
    plain, rich = (arm.experiment for arm in plan.arms)
    assert (plain.evolution.pop_size, plain.strategy.settings.lr, rich.strategy.settings.lr) == (6, 0.07, 0.07)
    assert rich.params.max_steps_in_episode == 24, "under a shorter name, and after the settings of all arms"
    assert plain.params.max_steps_in_episode == 12
    assert rich.params.respawn_delay == Experiment.build("L1.0", _preset("l1_hard")).params.respawn_delay


def _preset(name):
    from koki2_train.experiment.sources import read_preset

    return read_preset(name)


def test_nursing_of_all_arms_and_of_one_are_joined_and_tests_are_judged_without(changed):
    plan = parse_plan(
        changed(
            ("[settings]\n", '[settings]\nnursing = "rich_nursery"\n'), ("energy_gain = 0.3", 'nursing = "risk_gating"')
        ).replace('"L0.2"', '"L1.0"')
    )
    plain, rich = (arm.experiment for arm in plan.arms)
    assert rich.params.energy_gain == plain.params.energy_gain != plain.without_nursing().params.energy_gain
    assert rich.params.bad_source_integrity_loss != plain.params.bad_source_integrity_loss
    worlds = plan.worlds(plan.tests["poor"])
    assert worlds["plain"] == worlds["rich"]
    assert worlds["rich"].params.energy_gain == 0.05
    assert plan.worlds({})["rich"] == plain.without_nursing()


def test_nursing_of_the_brain_is_an_arm_s_and_not_a_test_s(changed):
    learning = ("[settings]\n", '[settings]\npreset = "plastic"\n')
    plan = parse_plan(changed(learning, ("energy_gain = 0.3", 'nursing = "plasticity"')))
    plain, rich = plan.arms
    assert plain.learns
    assert rich.experiment.brain.settings.plast_eta != plain.experiment.brain.settings.plast_eta
    with pytest.raises(ValueError, match=r"tests\.poor changes the brain"):
        parse_plan(changed(learning, ("energy_gain = 0.05", 'energy_gain = 0.05\nnursing = "plasticity"')))


def test_arms_in_their_own_worlds(changed):
    plan = parse_plan(changed(("episodes = 8", 'test_world = "own"')))
    assert [world.params.energy_gain for world in plan.worlds({}).values()] == [0.2, 0.3]
    assert {world.params.energy_gain for world in plan.worlds(plan.tests["poor"]).values()} == {0.05}


def test_every_arm_gets_the_generations_that_the_budget_of_the_baseline_pays_for(changed):
    plan = parse_plan(
        changed(("generations = 2", "generations = 100"), ("energy_gain = 0.3", "episodes = 4"), ('"plain"', '"rich"'))
    )
    plain, rich = plan.arms
    assert rich.experiment.evolution.generations == 100
    assert 0.95 * rich.env_steps < plain.env_steps <= rich.env_steps
    assert plain.experiment.evolution.generations > 150
    with pytest.warns(RunWarning, match=r"arms.rich: its \d generations take"):
        parse_plan(changed(("generations = 2", "generations = 4"), ("energy_gain = 0.3", "pop_size = 8")))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("episodes = 8", "episode = 8", "unknown key 'episode'; did you mean 'episodes'"),
        ('title = "Tiny"', "", "title is missing; a plan must have title, question"),
        ('title = "Tiny"', "title = 3", "title must be text, got 3"),
        ('question = "', 'question = " " # "', "question must be text, got ' '"),
        ('"L0.2"', '"L0.9"', "unknown rung 'L0.9'"),
        ('"fitness"', '"fitnes"', "primary: unknown name 'fitnes'; did you mean 'fitness'"),
        ("= 2.0", "= 0", "smallest_effect must be a number above 0, got 0"),
        ("= 2.0", "= nan", "smallest_effect must be a number above 0, got nan"),
        ("= 2.0", f"= 1{'0' * 400}", "smallest_effect must be a number above 0"),
        ("= 2.0", "= true", "smallest_effect must be a number above 0, got True"),
        ('"100:106"', '"100:105"', "seeds: 5 pairs of runs are too few; with fewer than 6"),
        ('"100:106"', "[1, 2, 3, 4, 5, 0, 0]", "seeds: 0 is given twice"),
        ('"100:106"', "[1, 2, 3, 4, 5, -6]", "seeds must be FIRST:END or a list of whole numbers"),
        ('"100:106"', "[1, 2, 3, 4, 5, true]", "seeds must be FIRST:END or a list of whole numbers"),
        ('"100:106"', '"100-106"', "seeds must be FIRST:END or a list of whole numbers"),
        ('"100:106"', '"0:99999"', "seeds: more than 10000 are too many, got '0:99999'"),
        ("episodes = 8", "episodes = 0", "episodes must be a whole number from 1"),
        ("episodes = 8", "test_seed = 1.5", "test_seed must be a whole number from 0"),
        ("episodes = 8", 'test_world = "adults"', "test_world: unknown name 'adults'; did you mean 'adult'"),
        ('baseline = "plain"', 'baseline = "plane"', "baseline: unknown name 'plane'; did you mean 'plain'"),
        ("episodes = 8", 'comparisons = ["rich"]', "comparisons: a pair is a list of two arms, got 'rich'"),
        ("episodes = 8", 'comparisons = [["rich", "poor"]]', "comparisons: unknown name 'poor'"),
        ("episodes = 8", 'comparisons = [["rich", "rich"]]', "comparisons: 'rich' is compared with itself"),
        ("episodes = 8", 'comparisons = [["plain", "rich"]]', "'plain' and 'rich' are compared already"),
        ("episodes = 8", 'controls = ["eta_zer"]', "controls: unknown name 'eta_zer'; did you mean 'eta_zero'"),
        ("episodes = 8", 'controls = ["eta_zero"]', "controls: no arm learns within a life"),
        ("episodes = 8", 'controls = "eta_zero"', "controls must be a list of names"),
        ("pop_size = 6", "pop_siz = 6", "settings: unknown setting 'pop_siz'; did you mean 'pop_size'"),
        ("pop_size = 6", 'pop_size = 6\npreset = "quik"', "settings: unknown preset 'quik'; did you mean 'quick'"),
        ("pop_size = 6", "pop_size = 6\npreset = 3", "settings: preset must be a name or a list of names, got 3"),
        ("energy_gain = 0.3", "energy_gai = 0.3", "arms.rich: unknown setting 'energy_gai'; did you mean"),
        ("energy_gain = 0.3", "energy_gain = -1", "arms.rich: energy_gain must be at least 0, got -1"),
        ("energy_gain = 0.3", "energy_gain = 1979-05-27", "arms.rich: energy_gain must be a number"),
        ("energy_gain = 0.3", "pop_size = 7", "arms.rich: pop_size must be even"),
        ("energy_gain = 0.3", "generations = 7", "arms.rich: it sets generations, but all arms have the same budget"),
        ("energy_gain = 0.3", "energy_gain = 0.2", "arms 'plain' and 'rich' are the same experiment"),
        ("energy_gain = 0.3", "steps = 12\nmax_steps_in_episode = 12", "are the same setting, given twice"),
        ("energy_gain = 0.3", "pop_size = 60", r"arms.rich: a run of one generation takes \d+ world steps, more than"),
        ("[arms.rich]", "[arms.plain.rich]", "arms: a comparison has at least two, got 1"),
        ("[arms.rich]\nenergy_gain = 0.3", "[arms]\nrich = 3", "not TOML|arms.rich must be a table"),
        ("[arms.rich]", "[arms.Plain]", "arms 'plain' and 'Plain' differ in case alone"),
        ("[arms.rich]", '[arms."a/b"]', "arm 'a/b': a name consists of letters"),
        ("[tests.poor]", '[tests."a b"]', "test 'a b': a name consists of letters"),
        ("energy_gain = 0.05", "energy_gain = 0.2", "tests.poor changes nothing"),
        ("energy_gain = 0.05", "sigma = 0.2", "tests.poor: sigma is not a setting of the world"),
        ("energy_gain = 0.05", "energy_gan = 0.2", "tests.poor: unknown setting 'energy_gan'; did you mean"),
        ("energy_gain = 0.05", "plast_eta = 0.2\nobs_noise = 0.1", "tests.poor changes the brain"),
        ("energy_gain = 0.05", "energy_gain = -0.2", "tests.poor: energy_gain must be at least 0"),
        ("rung =", "rung", "not TOML: "),
    ],
)  # fmt: skip
def test_a_mistake_is_named(changed, old, new, message):
    with pytest.raises((ValueError, TypeError), match=message):
        parse_plan(changed((old, new)))


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ValueError, match="No such file"):
        read_plan(tmp_path / "plan.toml")
    with pytest.raises(ValueError, match="Is a directory"):
        read_plan(tmp_path)
    (tmp_path / "plan.toml").write_bytes(b"title = '\xff'")
    with pytest.raises(ValueError, match="codec can't decode"):
        read_plan(tmp_path / "plan.toml")
    (tmp_path / "plan.toml").write_text("x = " + "[" * 100_000)
    with pytest.raises(ValueError, match="not TOML"):
        read_plan(tmp_path / "plan.toml")


PAGES = Path(__file__).parents[3] / "docs" / "studies"
SHOWN = re.findall(r"```toml\n(.*?)```", (PAGES / "README.md").read_text(), re.S)
SHIPPED = sorted(PAGES.glob("*.toml"))


@pytest.mark.parametrize("text", [*SHOWN, *(path.read_text() for path in SHIPPED)])
def test_plans_of_the_documentation_are_valid(text):
    plan = parse_plan(text)
    assert len(plan.arms) > 1


def test_the_documentation_shows_a_plan_with_every_key():
    (shown,) = SHOWN
    assert tomllib.loads(shown).keys() == {*REQUIRED, *DEFAULTS}
