-- A removal, and bringing back what was removed, takes two persons: what the first one proposed.

CREATE TABLE proposals (
    hash_id     bigint PRIMARY KEY REFERENCES reviews,
    decision    text NOT NULL CHECK (decision IN ('release', 'keep', 'remove')),
    -- As in the audit log; the person, whose keys belong together; and why.
    proposed_by text NOT NULL,
    person      text NOT NULL,
    why         text NOT NULL,
    at          timestamptz NOT NULL DEFAULT clock_timestamp()
);
