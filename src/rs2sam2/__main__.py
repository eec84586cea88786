"""`python -m rs2sam2`."""

from rs2sam2.cli import main

main()
