"""`python -m rs2sam2.cli`."""

from rs2sam2.cli import main

main()
