"""Generators of committed files, and measurements quoted in docs/."""
