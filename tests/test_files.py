"""Locks between processes that write to one folder, and folders that appear whole."""

import fcntl
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from roadseg.errors import OutputError
from roadseg.files import held, in_turn, locked, making


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr("roadseg.files.LOCK_PATIENCE", 0.1)


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


def test_a_folder_is_held_alone_or_its_names_are(tmp_path):
    with locked(tmp_path), refused(tmp_path.name), held(tmp_path / "one"):
        pass
    with held(tmp_path / "one"), refused(tmp_path.name), locked(tmp_path):
        pass
    with locked(tmp_path), refused(tmp_path.name), locked(tmp_path):
        pass
    with locked(tmp_path), locked(tmp_path / "below"), held(tmp_path / "below" / ".." / "beside" / "one"):
        pass


def test_an_error_inside_lets_go(tmp_path):
    with pytest.raises(KeyError), held(tmp_path / "one"):
        raise KeyError
    with pytest.raises(KeyError), locked(tmp_path):
        raise KeyError
    with held(tmp_path / "one"):
        pass


@pytest.mark.parametrize("hold", [locked, lambda folder: held(folder / "name")], ids=["locked", "held"])
def test_an_error_leaves_no_folder_that_was_made_for_nothing(tmp_path, hold):
    new, begun, old = tmp_path / "new" / "deeper", tmp_path / "begun", tmp_path / "old"
    old.mkdir()
    for folder in (new, begun, old):
        with pytest.raises(KeyError), hold(folder):
            if folder == begun:
                (folder / "kept").touch()
            raise KeyError
    assert names(tmp_path) == ["begun", "old"]
    assert names(begun) == [".lock", "kept"]


def test_an_error_leaves_a_folder_in_which_another_name_is_held(tmp_path):
    with ExitStack() as others:
        with pytest.raises(KeyError), held(tmp_path / "out" / "one"):
            others.enter_context(held(tmp_path / "out" / "two"))
            raise KeyError
        assert names(tmp_path / "out") == [".lock", ".two.lock"]


def test_another_thread_may_let_go(tmp_path):
    """A generator that holds a lock may be closed by another thread."""
    hold = held(tmp_path / "one")
    hold.__enter__()
    thread = threading.Thread(target=hold.__exit__, args=(None, None, None))
    thread.start()
    thread.join()
    with locked(tmp_path):
        pass


@pytest.mark.parametrize("lock", ["held", "locked"])
def test_a_killed_process_holds_nothing(tmp_path, lock):
    path = tmp_path / "out" / "one"
    code = (
        "import os, pathlib, signal, sys; from roadseg.files import held, locked\n"
        "with eval(sys.argv[1])(pathlib.Path(sys.argv[2])): print(flush=True); input()"
    )
    command = [sys.executable, "-c", code, lock, path if lock == "held" else path.parent]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with refused("out"), locked(path.parent):
            pass
        with refused("one" if lock == "held" else "out"), held(path):
            pass
        process.kill()
    with locked(path.parent), locked(path):
        pass
    with held(path):
        pass
    assert names(path.parent) == [".lock", "one"]


def test_a_lock_that_its_holder_removes_meanwhile_keeps_others_out(tmp_path, monkeypatch):
    """Another process opens the lock file, then its holder ends and removes it, then the other locks it."""
    flock, opened = fcntl.flock, []

    def removed_once(lock, operation):
        path = Path(f"/proc/self/fd/{lock}").readlink()
        if path.name == ".one.lock":
            opened.append(path)
            if len(opened) == 1:
                path.unlink()
        return flock(lock, operation)

    monkeypatch.setattr("fcntl.flock", removed_once)
    with held(tmp_path / "one"):
        assert len(opened) == 2
        with refused("one"), held(tmp_path / "one"):
            pass


def test_many_who_want_one_name_get_it_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.setattr("roadseg.files.LOCK_PATIENCE", 60)
    inside, most = [], []

    def want():
        for _ in range(10):
            with held(tmp_path / "one"):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=want) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 40


def test_who_waits_for_a_turn_is_asked_until_it_comes(tmp_path):
    waits, turns = [], []
    with ExitStack() as other:
        other.enter_context(held(tmp_path / "one"))

        def on_wait():
            waits.append(len(turns))
            if len(waits) == 2:
                other.close()

        with in_turn(tmp_path / "one", on_wait):
            turns.append(1)
            with refused("one"), held(tmp_path / "one"):
                pass
    assert waits == [0, 0]


def test_an_error_in_a_turn_comes_out_once(tmp_path):
    waits = []
    two = tmp_path / "two"
    with held(two), refused("two"), in_turn(tmp_path / "one", lambda: waits.append(1)), held(two):
        pass
    assert not waits and not names(tmp_path).count(".one.lock")


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    out, part = tmp_path / "a" / "out", tmp_path / "a" / "out.part"
    with pytest.raises(ZeroDivisionError), making(out) as folder:
        (folder / "half").write_text("")
        raise ZeroDivisionError
    assert list(out.parent.iterdir()) == []
    (part / "left").mkdir(parents=True)  # by a process that was killed
    (out.parent / ".out.lock").touch()
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
