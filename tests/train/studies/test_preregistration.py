"""Preregistration: one hash for all texts of a plan, and none that changes after it was written."""

import json
import re

import pytest

from koki2_train.runs.directory import RunError
from koki2_train.studies.plan import parse_plan
from koki2_train.studies.preregistration import canonical, check_preregistration, register, sha256


def test_comments_order_and_notation_do_not_change_the_hash(plan_text):
    lines = plan_text.replace("episodes = 8\n", "", 1).replace("test_world", "").splitlines()
    arms = plan_text.index("[arms.plain]")
    other = (
        "# another text\nepisodes = 8 # lives\n"
        + "\n".join(line for line in reversed(lines[: lines.index("[settings]")]) if line)
        + plan_text[plan_text.index("\n[settings]") : arms]
        + '[tests.poor]\nenergy_gain = "0.05"\n[arms.rich]\nenergy_gain = "0.3"\n[arms.plain]\nsteps = 12\n'
    )
    other = other.replace('"100:106"', "[105, 104, 103, 102, 101, 100]").replace("= 2.0", "= 2")
    assert canonical(parse_plan(other)) == canonical(parse_plan(plan_text))
    assert sha256(canonical(parse_plan(other))) == sha256(canonical(parse_plan(plan_text)))


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("episodes = 8", "episodes = 9", "episodes is 8, not 9"),
        ('"100:106"', '"100:107"', "seeds is [100, 101, 102, 103, 104, 105], not [100, 101, 102, 103, 104, 105, 106]"),
        ("= 2.0", "= 1.0", "smallest_effect is 2.0, not 1.0"),
        ("richer", "rich", 'question is "Does richer food help?", not "Does rich food help?"'),
        ("energy_gain = 0.3", "energy_gain = 0.31", "arms.rich.world.energy_gain is 0.3, not 0.31"),
        ("pop_size = 6", "pop_size = 8", "arms.plain.evolution.pop_size is 6, not 8"),
        ("energy_gain = 0.05", "energy_gain = 0.06", "tests.poor.plain.world.energy_gain is 0.05, not 0.06"),
        ("[arms.rich]", "[arms.richer]", "arms.rich is registered, and missing now"),
        ("[arms.plain]", "[arms.plain]\n[arms.more]\nenergy_gain = 0.4", "arms.more is not registered"),
        ("[tests.poor]", "[tests.poor2]", "tests.poor is registered, and missing now"),
    ],
)
def test_another_plan_is_rejected_naming_the_first_difference(plan_text, tmp_path, old, new, difference):
    assert check_preregistration(parse_plan(plan_text), tmp_path) is None
    made = register(parse_plan(plan_text), tmp_path)
    written = (tmp_path / "preregistration.json").read_bytes()
    assert old in plan_text
    with pytest.raises(RunError, match=re.escape(f"was begun with another plan: {difference}; ")):
        register(parse_plan(plan_text.replace(old, new)), tmp_path)
    assert register(parse_plan("# a comment\n" + plan_text), tmp_path) == made
    assert (tmp_path / "preregistration.json").read_bytes() == written
    assert (tmp_path / "plan.toml").read_text() == plan_text


def test_what_is_written_holds_all_that_the_hash_is_of(plan_text, tmp_path):
    made = register(parse_plan(plan_text), tmp_path)
    data = json.loads((tmp_path / "preregistration.json").read_text())
    assert (data["sha256"], data["time"]) == (made.sha256, made.time)
    assert sha256(data["plan"]) == made.sha256
    assert data["plan"]["arms"]["rich"]["world"]["energy_gain"] == 0.3
    assert "version" not in json.dumps(data["plan"]).lower()


@pytest.mark.parametrize(
    "edit", [("0.3", "0.4"), ('"sha256": "', '"sha256": "0'), ("{", "["), ('"time": "', '"tim": "')]
)
def test_an_edited_file_is_named(plan_text, tmp_path, edit):
    register(parse_plan(plan_text), tmp_path)
    path = tmp_path / "preregistration.json"
    path.write_text(path.read_text().replace(*edit))
    with pytest.raises(RunError, match=r"preregistration\.json is damaged or was changed"):
        register(parse_plan(plan_text), tmp_path)


def test_a_folder_of_something_else_is_left_alone(plan_text, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match=r"holds no comparison \(it has no preregistration.json\)"):
        register(parse_plan(plan_text), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_start_that_was_killed_before_it_registered_begins_anew(plan_text, tmp_path):
    for name in (".lock", "plan.toml", ".preregistration.json.1234.part"):
        (tmp_path / name).write_text("half")
    made = register(parse_plan(plan_text), tmp_path)
    assert check_preregistration(parse_plan(plan_text), tmp_path) == made
    assert (tmp_path / "plan.toml").read_text() == plan_text


def test_a_setting_that_a_later_version_adds_counts_as_its_default(plan_text, tmp_path):
    register(parse_plan(plan_text), tmp_path)
    path = tmp_path / "preregistration.json"
    data = json.loads(path.read_text())
    for arm in data["plan"]["arms"].values():
        del arm["brain"]["settings"]["scale_senses"], arm["world"]["obs_noise"]
    del data["plan"]["tests"]["poor"]["plain"]["world"]["obs_noise"]
    data["sha256"] = sha256(data["plan"])
    path.write_text(json.dumps(data))
    assert register(parse_plan(plan_text), tmp_path).sha256 == data["sha256"], "that of registration"
    with pytest.raises(RunError, match=r"arms\.plain\.world\.obs_noise is 0\.0, not 0\.1"):
        register(parse_plan(plan_text.replace("[arms.rich]", "obs_noise = 0.1\n[arms.rich]")), tmp_path)
