"""The process and its socket: supervisor, workers, shared memory, HTTP protocol, logs."""
