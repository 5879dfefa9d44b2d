"""`roadseg` with dropout left out, whose masks depend on how a batch is divided, and gradients compared every third
step; started by torchrun.

Does one command after another, from arguments divided by `THEN`, and prints how each ended. Only the main process may
write into their run folders. Runs named in `STOPS` get their signal once losses are logged, unless they are resumed.
"""

import os
import signal
import sys
import time
from itertools import groupby
from pathlib import Path

from torch import nn

from roadseg.cli.main import main
from roadseg.jobs import adapt
from roadseg.training import trainer
from roadseg.training.run_folder import RunFolder

THEN = "--then"
COMMANDS = [list(group) for divides, group in groupby(sys.argv[1:], key=THEN.__eq__) if not divides]
OUTS = {Path(command[command.index("--out") + 1]).resolve() for command in COMMANDS}
RANK = os.environ["RANK"]
STOPS = {"interrupted": (signal.SIGINT, os.getpid()), "terminated": (signal.SIGTERM, os.getppid())}
"""Signal, and who gets it: one process of the group, or torchrun, which hands it on to all."""


def refuse_writing(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
        assert OUTS.isdisjoint(Path(arguments[0]).resolve().parents), f"{arguments[0]} is written by another process"


def log_and_stop(run, record, *, log=RunFolder.append_log):
    log(run, record)
    RunFolder.append_log = log
    number, process = STOPS[run.path.name]
    came, handler = [], signal.getsignal(number)
    signal.signal(number, lambda *arguments: (handler(*arguments), came.append(True)))
    os.kill(process, number)
    while not came:
        time.sleep(0.01)


if RANK != "0":
    sys.addaudithook(refuse_writing)
nn.Dropout2d.forward = lambda self, x: x
trainer.RATIO_STEPS = 3
adapt.JUDGED = 2  # as in the process of the tests
for command in COMMANDS:
    sys.argv[1:] = command
    name = Path(command[command.index("--out") + 1]).name
    if RANK == "0" and name in STOPS and "--resume" not in command:
        RunFolder.append_log = log_and_stop
    try:
        main()
    except SystemExit as end:
        sys.stdout.write(f"process {RANK}: {name} ended with {end.code or 0}\n")
        sys.stdout.flush()
