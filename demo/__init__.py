"""The whole story on real photos: `make demo`."""
