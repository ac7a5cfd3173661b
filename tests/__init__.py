"""Tests; the code under test is in the packages beside this one."""
