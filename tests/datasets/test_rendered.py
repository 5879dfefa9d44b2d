"""Rendering streets from Python programs."""

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_what_to_write(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import roadseg\nroadseg.render_streets('streets', count=5, size=(64, 48), workers=1)\n")
    ended = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1
    assert 'put the call below `if __name__ == "__main__":`' in ended.stderr.splitlines()[-1]
    assert not list((tmp_path / "streets").glob("labels/*.png"))
