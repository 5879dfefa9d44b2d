"""Rendering streets from Python programs."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from roadseg.datasets import rendered


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_what_to_write(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import roadseg\nroadseg.render_streets('streets', count=5, size=(64, 48), workers=1)\n")
    ended = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1
    assert 'put the call below `if __name__ == "__main__":`' in ended.stderr.splitlines()[-1]
    assert not list((tmp_path / "streets").glob("labels/*.png"))


def test_two_calls_at_once_share_the_work(tmp_path, monkeypatch):
    """Runs that are started together render their common source once."""
    monkeypatch.setattr(rendered, "FEW", 8)  # within this process
    written, reports, write_street = [], [], rendered.write_street
    monkeypatch.setattr(rendered, "write_street", lambda *street: (written.append(street[1]), write_street(*street)))

    def render(_: int) -> None:
        rendered.render_dataset(
            tmp_path / "set",
            count=8,
            seed=0,
            size=(64, 48),
            look="game",
            on_progress=lambda *progress: reports.append(progress),
        )

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(render, range(3)))
    assert sorted(written) == list(range(8))
    assert reports.count((8, 8)) >= 3
    assert {path.name for path in (tmp_path / "set").iterdir()} == {"dataset.toml", "images", "labels"}
