"""The demo: the whole system with real photos, step by step (`make demo`)."""
