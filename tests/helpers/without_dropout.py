"""`roadseg` with dropout left out, whose masks depend on how a batch is divided, and gradients compared every third
step; started by torchrun.

Does one command after another, from arguments divided by `THEN`, and ends at the first that fails. Only the main
process may write into their run folders. With `STOP_BY` in the environment it sends that signal to torchrun once it has
logged losses, and waits until the signal has come back to it.
"""

import os
import signal
import sys
import time
from itertools import groupby
from pathlib import Path

from torch import nn

from roadseg.cli.main import main
from roadseg.training import trainer
from roadseg.training.run_folder import RunFolder

THEN = "--then"
COMMANDS = [list(group) for divides, group in groupby(sys.argv[1:], key=THEN.__eq__) if not divides]
OUTS = {Path(command[command.index("--out") + 1]).resolve() for command in COMMANDS}


def refuse_writing(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
        assert OUTS.isdisjoint(Path(arguments[0]).resolve().parents), f"{arguments[0]} is written by another process"


def log_and_stop(run, record, *, log=RunFolder.append_log):
    log(run, record)
    RunFolder.append_log = log
    number, came = signal.Signals[os.environ["STOP_BY"]], []
    handler = signal.getsignal(number)
    signal.signal(number, lambda *arguments: (handler(*arguments), came.append(True)))
    os.kill(os.getppid(), number)
    while not came:
        time.sleep(0.01)


if os.environ.get("RANK", "0") != "0":
    sys.addaudithook(refuse_writing)
elif "STOP_BY" in os.environ:
    RunFolder.append_log = log_and_stop
nn.Dropout2d.forward = lambda self, x: x
trainer.RATIO_STEPS = 3
for command in COMMANDS:
    sys.argv[1:] = command
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
