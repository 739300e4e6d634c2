"""What keeps generated files true; `make openapi` and the tests run these."""
