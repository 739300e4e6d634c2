-- What a case shows must not tell whether its hashes were stored before it began: only what
-- happened to the change log after that counts.

-- The end of the change log just before the case began, and just before an image was withdrawn.
-- Null: a version before 0.2 wrote the row.
ALTER TABLE cases ADD COLUMN opened_after bigint;
ALTER TABLE images ADD COLUMN withdrawn_after bigint;

-- The entry of the audit log that records the withdrawal: matches after it are not of this image.
ALTER TABLE images ADD COLUMN withdrawn_entry bigint;

-- How far each platform has processed the change log, and since when: it asked for what follows.
CREATE TABLE acknowledgements (
    platform_id bigint NOT NULL REFERENCES platforms,
    position    bigint NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (platform_id, position)
);
INSERT INTO acknowledgements (platform_id, position, at)
SELECT platform_id, lower(positions) - 1, min(at) FROM deliveries GROUP BY 1, 2;

-- Feedback on the hashes of a case when they were withdrawn from it: what platforms report later
-- is about the cases of others.
CREATE TABLE case_feedback (
    case_id     bigint NOT NULL REFERENCES cases,
    hash_id     bigint NOT NULL REFERENCES hashes,
    platform_id bigint NOT NULL REFERENCES platforms,
    value       text NOT NULL,
    since       timestamptz NOT NULL,
    at          timestamptz NOT NULL,
    PRIMARY KEY (case_id, hash_id, platform_id)
);

-- Barred because it is close to this hash, which staff removed; not barred by a decision of its
-- own, so that nothing is barred for being close to it.
ALTER TABLE hashes ADD COLUMN barred_near bigint REFERENCES hashes;
CREATE INDEX hashes_barred_near ON hashes (barred_near) WHERE barred_near IS NOT NULL;
CREATE INDEX hashes_barred ON hashes (id) WHERE barred AND barred_near IS NULL;

-- Counts the decisions of staff, so that workers know whether they have read all barred hashes.
ALTER TABLE intake ADD COLUMN decisions bigint NOT NULL DEFAULT 0;
