"""What the API receives and returns, as published in openapi.yaml: one module per subject."""
