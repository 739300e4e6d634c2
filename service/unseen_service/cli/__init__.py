"""The `unseen-service` command."""
