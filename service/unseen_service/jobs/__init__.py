"""Loops that run beside requests, for as long as the worker lives."""
