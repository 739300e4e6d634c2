"""The shapes on the wire, as openapi.yaml has them: one module for each who speaks them."""
