"""How much a key may use, and whether its queries look like probing: arithmetic only, no SQL."""
