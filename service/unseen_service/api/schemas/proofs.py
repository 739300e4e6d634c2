"""Schemas of proofs of the audit log: hashes are SHA-256 in hex, sizes are numbers of entries."""

from pydantic import BaseModel, Field


class VerifierOut(BaseModel):
    """The public key of checkpoints."""

    verifier: str = Field(
        description="In C2SP's signed-note format.",
        examples=["unseen-audit/3f9a12bc+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiB…"],
    )


class InclusionOut(BaseModel):
    """A proof that an entry is in the log of a size."""

    position: int = Field(description="The entry; it is leaf `position - 1` of the Merkle tree.")
    size: int = Field(description="The size of the log, in entries.")
    leaf: str = Field(description="SHA-256(0x00 || the entry's canonical JSON), in hex.")
    path: list[str] = Field(description="The proof, from the leaf's sibling up; hashes in hex.")


class ConsistencyOut(BaseModel):
    """A proof that the log of the second size begins with that of the first."""

    first: int = Field(description="The smaller size, in entries.")
    second: int = Field(description="The larger size, in entries.")
    path: list[str] = Field(description="The proof; hashes in hex.")
