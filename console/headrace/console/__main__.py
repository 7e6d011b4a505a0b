"""`python -m headrace.console` is `headrace`."""

from headrace.console.cli import main

main()
