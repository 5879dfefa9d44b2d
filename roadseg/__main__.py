"""`python -m roadseg` is the console script."""

from roadseg.cli.main import main

main()
