"""Fuzzers, and the tests that run each for a minute."""
