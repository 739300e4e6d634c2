"""Benchmarks. Each module here has a `main` and is run by name; `support` is what they share."""
