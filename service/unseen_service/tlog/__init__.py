"""The transparency log: hash chain, Merkle tree (RFC 9162), signed notes and checkpoints (C2SP).

Pure functions of bytes, except for the signing key's file: no database, no HTTP, no clock.
"""
