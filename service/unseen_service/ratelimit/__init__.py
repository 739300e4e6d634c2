"""How much a key may ask, and whether its queries look like probing: numbers only, no SQL."""
