"""`python -m ringwall`: the same as the command `ringwall`."""

from ringwall.cli.main import main

main()
