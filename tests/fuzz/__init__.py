"""Fuzzing of every parser that meets foreign bytes; `python -m tests.fuzz` runs it for as long as one likes."""
