"""Settings from TOML files and from assignments: encodings, types, and settings that are given twice."""

import subprocess
import sys

import pytest

from koki2_envs import ramp
from koki2_train.experiment.sources import parse_assignments, read_settings_file


@pytest.fixture
def read(tmp_path):
    def read(text):
        (tmp_path / "my.toml").write_bytes(text.encode())
        return read_settings_file(tmp_path / "my.toml")

    return read


def test_marks_and_line_ends_of_other_systems_are_no_settings(read):
    assert read("\ufeffsigma = 0.2\r\n# \u03b8\r\n[search]\r\ngrad_gain = '0:1'\r\n") == {
        "sigma": 0.2,
        "grad_gain": ramp(0.0, 1.0),
    }


def test_text_is_a_setting_in_every_source(read):
    text = "smell?_x, energy"
    assert read(f'plast_senses = "{text}"') == {"plast_senses": text}
    assert parse_assignments([f"plast-senses={text}"]) == {"plast_senses": text}


def test_files_are_read_alike_in_every_locale(tmp_path):
    (tmp_path / "my.toml").write_bytes("# \u03b8\ntheta = 1.5\n".encode())
    code = (
        "import locale, pathlib; from koki2_train.experiment.sources import *;"
        "assert locale.getpreferredencoding(False) != 'UTF-8';"
        "assert read_settings_file(pathlib.Path('my.toml')) == {'theta': 1.5}; [read_preset(n) for n in preset_names()]"
    )
    environment = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": ":".join(sys.path)}
    process = [sys.executable, "-X", "utf8=0", "-c", code]
    subprocess.run(process, env=environment, cwd=tmp_path, check=True, timeout=60)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps = 3\nmax_steps_in_episode = 4", "steps and max_steps_in_episode are the same setting, given twice"),
        ("sigma = 0.1\n[search]\nsigma = 0.2", "sigma is given twice"),
        ("nursing = true", "nursing must be NAME:STRENGTH or a table of strengths, got True"),
        ("grad_gain = [1, 2]", r"grad_gain must be one value, got \[1, 2\]"),
        (
            "grad_gain = {start = 1, end = 2, from_phi = 0.7, to_phi = 0.2}",
            "grad_gain: schedule from_phi must be at most",
        ),
        ("pop_size = 'many'", "pop_size must be a whole number, got 'many'"),
    ],
)
def test_invalid_files_are_rejected_by_name(read, text, message):
    with pytest.raises((ValueError, TypeError), match=message):
        read(text)


def test_of_assignments_to_one_name_the_last_counts_and_two_names_are_rejected():
    assert parse_assignments(["steps=3", "sigma=1", "steps=4"]) == {"max_steps_in_episode": 4, "sigma": 1.0}
    with pytest.raises(ValueError, match="steps and max_steps_in_episode are the same setting"):
        parse_assignments(["steps=3", "max-steps-in-episode=4"])
