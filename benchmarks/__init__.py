"""What `make bench` runs: each module here with a `main` measures one part and prints a table."""
