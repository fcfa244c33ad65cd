"""Machines that lack something, and people who install from the wrong folder."""

import importlib.util
import shutil
import time
import tomllib
from pathlib import Path

import pytest

from koki2_train.cli.commands.evolve import _new_folder

ROOT = Path(__file__).resolve().parents[3]

WINDOWS = """
import os, signal, sys
for name in ("fcntl", "pwd", "grp", "termios", "resource"):
    sys.modules[name] = None
del os.sched_getaffinity, signal.SIGHUP
from koki2_train.cli.main import main
run, few = sys.argv[1], ["--episodes", "4"]
codes = [main(["baseline", "L0.0", *few]), main(["evaluate", run, *few]), main(["report", run])]
sys.exit(max(codes))
"""


@pytest.mark.slow
def test_without_what_only_unix_has_one_can_measure_evaluate_and_report(finished, python, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished.path, run)
    out, error = (process := python("-c", WINDOWS, run)).communicate(timeout=120)
    assert process.returncode == 0, error
    assert "greedy" in out
    assert (run / "learning_curve.png").is_file()


def test_runs_that_begin_in_the_same_second_get_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time, "strftime", lambda _: "now")
    folders = [_new_folder("L0.2", 3) for _ in range(3)]
    assert [str(folder) for folder in folders] == [f"runs/now_L0.2_seed3{end}" for end in ("", "_2", "_3")]
    assert all(folder.is_dir() for folder in folders)


@pytest.mark.parametrize("obstacle", [lambda path: path.touch(), lambda path: path.symlink_to("nowhere")])
def test_a_place_for_runs_that_is_no_folder_is_an_error(tmp_path, monkeypatch, obstacle):
    monkeypatch.chdir(tmp_path)
    obstacle(Path("runs"))
    with pytest.raises(FileExistsError, match="runs"):
        _new_folder("L0.2", 3)


def test_the_root_is_no_package_and_says_what_is():
    system = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]
    (folder,) = system["backend-path"]
    spec = importlib.util.spec_from_file_location("backend", ROOT / folder / f"{system['build-backend']}.py")
    backend = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(backend)
    for hook in ("get_requires_for_build_wheel", "get_requires_for_build_editable", "build_sdist"):
        with pytest.raises(SystemExit, match=r"\./koki2_envs\[pictures\] \./koki2_train"):
            getattr(backend, hook)(None)
    assert all((ROOT / name / "pyproject.toml").is_file() for name in ("koki2_envs", "koki2_train"))
