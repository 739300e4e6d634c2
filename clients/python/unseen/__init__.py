"""The client: hashes images on this device; only 256 bits leave it."""
