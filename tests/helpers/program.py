"""The `roadseg` program, run inside the process of the tests."""

from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess
from unittest.mock import patch

from roadseg.cli.main import main


def roadseg(*arguments: object, cwd: Path | None = None) -> CompletedProcess[str]:
    """Run a command to its end and give exit code, stdout and stderr.

    A process of its own would spend seconds on the import of torch.

    Args:
        arguments: what follows `roadseg` on the command line.
        cwd: folder to run in; the current one by default.
    """
    command, stdout, stderr = ["roadseg", *map(str, arguments)], StringIO(), StringIO()
    with patch("sys.argv", command), redirect_stdout(stdout), redirect_stderr(stderr), chdir(cwd or Path.cwd()):
        try:
            main()
        except SystemExit as end:
            return CompletedProcess(command, int(end.code or 0), stdout.getvalue(), stderr.getvalue())
    raise AssertionError("the program ended without an exit code")
