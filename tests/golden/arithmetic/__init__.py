"""docs/arithmetic.md, a file for each part; reference.py is the program."""
