"""Who may write where, when several would."""

import subprocess
import sys

import pytest

from roadseg.errors import OutputError
from roadseg.files import held, locked, making


def refused(what):
    return pytest.raises(OutputError, match=f"{what}: another roadseg process is writing here")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_name_is_held_once_and_others_stay_free(tmp_path):
    one, other = tmp_path / "out" / "one", tmp_path / "out" / "other"
    with held(one), held(other), refused("one"), held(one):
        pass
    with held(one):
        pass
    assert names(tmp_path / "out") == [".lock"]


def test_a_folder_is_held_alone_or_shared(tmp_path):
    with locked(tmp_path), refused(tmp_path.name), held(tmp_path / "one"):
        pass
    with held(tmp_path / "one"), refused(tmp_path.name), locked(tmp_path):
        pass
    with locked(tmp_path, shared=True), locked(tmp_path, shared=True), held(tmp_path / "one"):
        pass


def test_what_raises_lets_go(tmp_path):
    with pytest.raises(KeyError), held(tmp_path / "one"):
        raise KeyError
    with held(tmp_path / "one"):
        pass


def test_a_killed_process_holds_nothing(tmp_path):
    code = "import os, sys, pathlib; from roadseg.files import held\nwith held(pathlib.Path(sys.argv[1])): os._exit(9)"
    assert subprocess.run([sys.executable, "-c", code, tmp_path / "one"], check=False).returncode == 9
    assert names(tmp_path) == [".lock", ".one.lock"]
    with held(tmp_path / "one"):
        pass
    assert names(tmp_path) == [".lock"]


def test_a_lock_that_its_holder_removes_meanwhile_keeps_others_out(tmp_path, monkeypatch):
    """Another process opens the lock file, then its holder ends and removes it, then the other locks it."""
    opened = []

    def removed_once(path):
        lock = path.open("a+")
        if path.name != ".lock":
            opened.append(path)
            if len(opened) == 1:
                path.unlink()
        return lock

    monkeypatch.setattr("roadseg.files._open_lock", removed_once)
    with held(tmp_path / "one"), refused("one"), held(tmp_path / "one"):
        pass
    assert len(opened) == 3


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    out, part = tmp_path / "a" / "out", tmp_path / "a" / "out.part"
    with pytest.raises(ZeroDivisionError), making(out) as folder:
        (folder / "half").write_text("")
        raise ZeroDivisionError
    assert list(out.parent.iterdir()) == []
    (part / "left").mkdir(parents=True)  # by a process that was killed
    out.mkdir()
    with making(out) as folder:
        (folder / "whole").write_text("")
        with pytest.raises(OutputError, match="another roadseg process is writing here"), making(out):
            pass
        assert list(out.iterdir()) == []
    assert [path.name for path in out.iterdir()] == ["whole"]
    assert list(out.parent.iterdir()) == [out]
    with pytest.raises(OutputError, match=r"out: is not empty\n.*nothing is overwritten"), making(out):
        pass
