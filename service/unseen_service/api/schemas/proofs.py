"""Proofs of the audit log: hashes are SHA-256 in hex, sizes count entries."""

from pydantic import BaseModel, Field


class VerifierOut(BaseModel):
    """The public key of checkpoints, as C2SP's signed-note writes it."""

    verifier: str = Field(examples=["unseen-audit/3f9a12bc+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiB…"])


class InclusionOut(BaseModel):
    """Entry `position` is leaf `position - 1` of the tree of `size`."""

    position: int
    size: int
    leaf: str = Field(description="SHA-256(0x00 || the entry's canonical JSON).")
    path: list[str] = Field(description="From the leaf's sibling up.")


class ConsistencyOut(BaseModel):
    """The tree of `second` begins with that of `first`."""

    first: int
    second: int
    path: list[str]
