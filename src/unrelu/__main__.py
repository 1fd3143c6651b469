"""`python -m unrelu` is the command `unrelu`."""

from unrelu.cli import main

main(prog_name="unrelu")
