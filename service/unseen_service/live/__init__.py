"""State that a worker keeps in memory, followed from the store."""
