-- A hash that waits for staff because of what it matches, or of what platforms report, is suspect:
-- it is matched as before, and what it finds beyond 8 bits is marked, and counted nowhere.

-- Derived, so that a decision by an older version ends it too. A hash that staff confirmed is not
-- suspect: they outweigh platforms.
CREATE VIEW suspects AS
SELECT hash_id FROM reviews
WHERE decision IS NULL AND cause <> 'often-found' AND before = 'unreviewed';

-- Like `matches`, but in a table of its own: whatever counts matches leaves these out.
CREATE TABLE suspect_matches (
    audit_position bigint NOT NULL REFERENCES audit_log,
    query          integer NOT NULL,
    hash_id        bigint NOT NULL REFERENCES hashes,
    platform_id    bigint NOT NULL REFERENCES platforms,
    distance       smallint NOT NULL,
    at             timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (audit_position, query, hash_id)
);
CREATE INDEX suspect_matches_platform_id ON suspect_matches (platform_id, hash_id, at);
