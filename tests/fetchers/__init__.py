"""Tests of the fetchers, through recorded answers."""
