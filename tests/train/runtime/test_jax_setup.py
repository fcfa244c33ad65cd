"""JAX's set-up: when it is too late, and where compiled programs are kept."""

import errno
import os
from pathlib import Path

import pytest

from koki2_envs.files import FileSystemWarning
from koki2_train.runtime.jax_setup import cache_folder


def test_the_cache_lies_where_the_user_keeps_caches(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert cache_folder() == tmp_path / "cache" / "koki2"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "koki2"
    assert cache_folder().is_dir()


def test_without_a_home_nothing_is_kept(monkeypatch):
    def unknown():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", unknown)
    with pytest.warns(FileSystemWarning, match="not kept: Could not determine home directory"):
        assert cache_folder() is None


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "koki2").mkdir()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.warns(FileSystemWarning, match="koki2 cannot be written to"):
        assert cache_folder() is None
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.warns(FileSystemWarning, match=os.strerror(errno.ENOTDIR)):
        assert cache_folder() is None


def test_a_cache_that_was_chosen_stays_chosen(python, tmp_path, monkeypatch):
    code = "from koki2_train.runtime.jax_setup import set_up; set_up(); "
    code += "import jax; print(jax.config.jax_compilation_cache_dir)"
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))
    assert python("-c", code).communicate(timeout=60)[0].strip() == str(tmp_path)


SET_UP = "from koki2_train.runtime.jax_setup import set_up; import jax; "


def test_set_up_too_late_says_so_and_what_there_is(python):
    code = SET_UP + "jax.devices()\nset_up(3)"
    error = python("-c", code).communicate(timeout=60)[1].splitlines()[-1]
    assert error.startswith("RuntimeError: set_up must be called before JAX is initialised")
    assert "with 1 devices" in error


def test_set_up_twice_is_one_set_up_and_with_other_devices_an_error(python, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    code = SET_UP + (
        "set_up(2); set_up(2); assert jax.config.jax_compilation_cache_dir; set_up(2, False);"
        "assert len(jax.devices()) == 2; assert not jax.config.jax_compilation_cache_dir; set_up(3)"
    )
    error = python("-c", code).communicate(timeout=60)[1].splitlines()[-1]
    assert error == "RuntimeError: set_up was called for 2 CPU devices already, now for 3"
