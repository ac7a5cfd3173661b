"""Tests of `publisher`."""
