"""Where compiled programs are kept."""

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
