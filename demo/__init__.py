"""A walk through the whole system with real photos: `make demo`."""
