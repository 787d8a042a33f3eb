"""Importing participants from a file: reading it, a verdict for each line, writing the good ones, undoing that."""
