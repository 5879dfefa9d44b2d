"""Run `roadseg` as a stranger does: as a program of its own."""

import subprocess
import sys
from pathlib import Path


def roadseg(*arguments: object, cwd: Path | None = None, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run the program to its end and give exit code, stdout and stderr."""
    command = [sys.executable, "-m", "roadseg", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=timeout, check=False)
