"""Clouds that other packages bring: the mechanism, bad packages, and the FluffyCloud example."""
