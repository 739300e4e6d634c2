"""Checks before a submission is accepted: hashes of an actual image, and proof of work.

No SQL and no HTTP here; docs/intake.md has the rules, the measurements and the protocol.
"""
