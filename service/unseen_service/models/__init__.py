"""Frozen dataclasses that the layers hand to each other, one module per subject."""
