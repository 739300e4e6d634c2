-- Keys that expire, that take each other's place, and that a second person approves.

ALTER TABLE keys
    ADD COLUMN note        text NOT NULL DEFAULT '',
    ADD COLUMN issued_by   text NOT NULL DEFAULT 'operator',
    ADD COLUMN approved_at timestamptz,
    ADD COLUMN approved_by text,
    ADD COLUMN expires_at  timestamptz,
    -- Rotation: the first of a line of keys, the one before, and how long both are in force.
    ADD COLUMN first_key   bigint REFERENCES keys,
    ADD COLUMN replaces    bigint REFERENCES keys,
    ADD COLUMN overlap     interval;

-- A key for all hashes or for giving keys waits for a second person; the others do not.
UPDATE keys SET approved_at = created_at WHERE NOT scopes && ARRAY['feed', 'admin'];

ALTER TABLE keys
    ADD CHECK (approved_by <> issued_by),
    ADD CHECK (approved_at IS NULL OR approved_by IS NOT NULL
        OR NOT scopes && ARRAY['feed', 'admin']);
CREATE INDEX keys_replaces ON keys (replaces) WHERE replaces IS NOT NULL;
