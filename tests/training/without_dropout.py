"""`roadseg` with dropout left out, whose masks depend on how a batch is divided; started by torchrun."""

from torch import nn

from roadseg.cli.main import main

nn.Dropout2d.forward = lambda self, x: x
main()
