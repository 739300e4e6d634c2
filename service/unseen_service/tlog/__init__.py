"""The transparency log: hash chain, Merkle tree (RFC 9162), signed notes and checkpoints (C2SP).

Pure functions of bytes, but for the file of the signing key: no database, no HTTP, no clock.
"""
