"""The service: keeps hashes, answers platforms, proves what was done."""
