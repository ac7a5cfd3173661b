"""Mutation testing of the pure modules: `python -m tests.mutation`."""
