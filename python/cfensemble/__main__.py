"""`python -m cfensemble` is the command line."""

from cfensemble.cli import main

main()
