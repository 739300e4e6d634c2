-- What a platform calls not intimate reads as withdrawn there, and nowhere else. `feedback` keeps
-- what counts towards others; this is what a platform's word does to its own answers.

CREATE TABLE disputes (
    platform_id bigint NOT NULL REFERENCES platforms,
    hash_id     bigint NOT NULL REFERENCES hashes,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Since when it counts towards others; null: it does not.
    counted_at  timestamptz,
    -- When the platform took it back, or staff decided; null: in force.
    ended_at    timestamptz,
    PRIMARY KEY (platform_id, hash_id)
);
CREATE INDEX disputes_in_force ON disputes (hash_id) WHERE ended_at IS NULL;
CREATE INDEX disputes_at ON disputes (platform_id, at);
