"""What tests of several modules share: one subject per module, each imported from its module."""
