"""Tests of the package `gpu_catalog`, one module for each of its modules."""
