-- The audit log as a proof: a Merkle tree beside the hash chain.

-- A tree over entries that are there already would have to be computed here; no released
-- version has ever written one.
DO $$
BEGIN
    IF EXISTS (SELECT FROM audit_log) THEN
        RAISE EXCEPTION 'made before the first release';
    END IF;
END $$;

-- The perfect subtrees that the entry completes, by level from 0: 32 bytes each.
ALTER TABLE audit_log ADD COLUMN nodes bytea NOT NULL
    CHECK (octet_length(nodes) > 0 AND octet_length(nodes) % 32 = 0);

-- The perfect subtrees that the whole tree falls into, largest first: 32 bytes each.
ALTER TABLE audit_head ADD COLUMN peaks bytea NOT NULL DEFAULT '';
