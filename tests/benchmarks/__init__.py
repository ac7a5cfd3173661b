"""The benchmarks themselves, and in short form what they show: counts and growth, no seconds."""
