"""docs/adding-a-cloud.md, followed word by word: `python -m tests.guide`."""
