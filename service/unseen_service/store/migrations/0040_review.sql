-- Disputes: what is in the staff's queue and why, what they decided, and the counts that tell.

-- Staff decided that these bits are not matched, whoever submits them again.
ALTER TABLE hashes
    ADD COLUMN barred boolean NOT NULL DEFAULT false,
    ADD CHECK (NOT barred OR (NOT active AND standing = 'quarantined'));

-- One row for each hash that ever was in the queue; its history is in the audit log.
CREATE TABLE reviews (
    hash_id    bigint PRIMARY KEY REFERENCES hashes,
    cause      text NOT NULL CHECK (cause IN ('over-matching', 'not-intimate', 'often-found')),
    evidence   jsonb NOT NULL,
    opened_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The standing that it had, which a release gives back.
    before     text NOT NULL CHECK (before IN ('unreviewed', 'confirmed')),
    -- Null: to be decided. What came before decided_at does not put it into the queue again.
    decision   text CHECK (decision IN ('release', 'keep', 'remove')),
    decided_at timestamptz,
    decided_by text,
    why        text,
    CHECK (decision IS NULL OR num_nulls(decided_at, decided_by, why) = 0)
);
CREATE INDEX reviews_open ON reviews (opened_at) WHERE decision IS NULL;
CREATE INDEX reviews_decided ON reviews (decided_at) WHERE decision IS NOT NULL;

-- What two platforms disputed before there was a queue.
INSERT INTO reviews (hash_id, cause, evidence, before)
SELECT hashes.id, 'not-intimate', jsonb_build_object('platforms', count(*)), 'unreviewed'
FROM hashes JOIN feedback ON hash_id = hashes.id AND value = 'not-intimate'
WHERE standing = 'disputed'
GROUP BY hashes.id;

-- What the upload that was found looked like, in 16 bits: enough to count how many different
-- ones a hash finds, too little to say which.
ALTER TABLE matches ADD COLUMN sketch integer NOT NULL DEFAULT 0 CHECK (sketch BETWEEN 0 AND 65535);
ALTER TABLE matches ALTER COLUMN sketch DROP DEFAULT;

-- How far the audit log has been counted into the two tables below.
CREATE TABLE tally (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL
);
INSERT INTO tally (position) VALUES (0);

-- What happened in each hour (UTC).
CREATE TABLE activity (
    hour    timestamptz NOT NULL,
    kind    text NOT NULL,
    entries bigint NOT NULL,
    amount  bigint NOT NULL,
    PRIMARY KEY (hour, kind)
);

-- How often each hash was found in each hour of the last day, by sketch.
CREATE TABLE finds (
    hash_id     bigint NOT NULL REFERENCES hashes,
    hour        timestamptz NOT NULL,
    platform_id bigint NOT NULL REFERENCES platforms,
    sketch      integer NOT NULL,
    finds       bigint NOT NULL,
    PRIMARY KEY (hash_id, hour, platform_id, sketch)
);
CREATE INDEX finds_hour ON finds (hour);

-- The staff's filters on the log.
CREATE INDEX audit_log_kind ON audit_log (kind, position);
CREATE INDEX audit_log_actor ON audit_log (actor, position);
CREATE INDEX audit_log_subject ON audit_log (subject, position) WHERE subject IS NOT NULL;
