"""docs/codec.md, a file for each section; codec.py is the whole codec."""
