-- Retention: what is of no more use is erased, once a day.

-- Since when nothing holds a hash; its bits are erased from here on. Null: it is held.
ALTER TABLE hashes
    ADD COLUMN gone_at timestamptz,
    ADD CHECK (NOT active OR gone_at IS NULL),
    -- What is barred or quarantined is so by its bits: whoever submits them again meets the same row.
    ADD CHECK (pdq IS NOT NULL OR NOT barred AND standing <> 'quarantined');
UPDATE hashes SET gone_at = coalesce(
    (SELECT max(at) FROM changes WHERE changes.hash_id = hashes.id), now()
) WHERE NOT active;
CREATE INDEX hashes_gone ON hashes (id) WHERE gone_at IS NOT NULL AND pdq IS NOT NULL;

-- Dead rows and index entries hold bits too: PostgreSQL is to clear them away soon.
ALTER TABLE hashes SET (autovacuum_vacuum_scale_factor = 0.01, vacuum_index_cleanup = on);

-- Null: counted, and forgotten.
ALTER TABLE matches ALTER COLUMN sketch DROP NOT NULL;

CREATE INDEX submissions_submitted_at ON submissions (submitted_at);
CREATE INDEX webhook_messages_given_up ON webhook_messages (created_at) WHERE due_at IS NULL;
CREATE INDEX alerts_at ON alerts (at);

CREATE TABLE retention (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- When it last ended; null: never.
    ran_at   timestamptz,
    -- What the run under way has erased so far, so that a crash loses no count.
    erased   jsonb NOT NULL DEFAULT '{}',
    -- How far along the audit log the sketches of matches are forgotten.
    sketches bigint NOT NULL DEFAULT 0
);
INSERT INTO retention DEFAULT VALUES;
