-- The bones: cases and their hashes, the change log, platforms and keys, the audit log.

CREATE TABLE cases (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number       text NOT NULL UNIQUE,
    -- What the audit log calls this case: says nothing to who has not got this row.
    audit_ref    uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    pin_salt     bytea NOT NULL,
    pin_digest   bytea NOT NULL,
    wrong_pins   integer NOT NULL DEFAULT 0,
    submitted_at timestamptz NOT NULL DEFAULT now(),
    withdrawn_at timestamptz
);

-- Idempotency: a repeated submission finds its case here. Digests only.
CREATE TABLE submissions (
    key_digest     bytea PRIMARY KEY,
    request_digest bytea NOT NULL,
    case_id        bigint NOT NULL REFERENCES cases,
    submitted_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE images (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id      bigint NOT NULL REFERENCES cases,
    number       integer NOT NULL CHECK (number > 0),
    convention   text NOT NULL,
    withdrawn_at timestamptz,
    UNIQUE (case_id, number)
);

-- One row a hash value, however many cases hold it; active while one does.
CREATE TABLE hashes (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    record   uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    pdq      bytea UNIQUE CHECK (octet_length(pdq) = 32),
    active   boolean NOT NULL DEFAULT false,
    standing text NOT NULL DEFAULT 'unreviewed'
        CHECK (standing IN ('unreviewed', 'confirmed', 'disputed', 'quarantined')),
    CHECK (pdq IS NOT NULL OR NOT active)
);

CREATE TABLE image_hashes (
    image_id bigint NOT NULL REFERENCES images,
    view     text NOT NULL,
    hash_id  bigint NOT NULL REFERENCES hashes,
    quality  smallint NOT NULL CHECK (quality BETWEEN 50 AND 100),
    PRIMARY KEY (image_id, view)
);
CREATE INDEX image_hashes_hash_id ON image_hashes (hash_id);

-- Every activation and removal of a hash, numbered in commit order without gaps: whoever
-- writes holds change_head's one row until the commit.
CREATE TABLE changes (
    position bigint PRIMARY KEY,
    kind     text NOT NULL CHECK (kind IN ('add', 'remove')),
    hash_id  bigint NOT NULL REFERENCES hashes,
    at       timestamptz NOT NULL
);
CREATE TABLE change_head (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL,
    -- Never before the last change's time, even when the clock was set back.
    at       timestamptz NOT NULL
);
INSERT INTO change_head (position, at) VALUES (0, now());

CREATE TABLE platforms (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL UNIQUE CHECK (name <> ''),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE keys (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    platform_id bigint NOT NULL REFERENCES platforms,
    digest      bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    scopes      text[] NOT NULL CHECK (cardinality(scopes) > 0),
    created_at  timestamptz NOT NULL DEFAULT now(),
    revoked_at  timestamptz
);

-- Hash-chained, append-only; audit_head holds the last link, and orders who appends.
CREATE TABLE audit_log (
    position bigint PRIMARY KEY,
    at       timestamptz NOT NULL,
    kind     text NOT NULL,
    actor    text NOT NULL,
    subject  text,
    details  jsonb NOT NULL,
    digest   bytea NOT NULL CHECK (octet_length(digest) = 32)
);
CREATE TABLE audit_head (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL,
    at       timestamptz NOT NULL,
    digest   bytea NOT NULL
);
INSERT INTO audit_head (position, at, digest) VALUES (0, now(), decode(repeat('00', 32), 'hex'));

-- One row for each stored hash that one query of one look-up hit.
CREATE TABLE matches (
    audit_position bigint NOT NULL REFERENCES audit_log,
    query          integer NOT NULL,
    hash_id        bigint NOT NULL REFERENCES hashes,
    platform_id    bigint NOT NULL REFERENCES platforms,
    distance       smallint NOT NULL,
    at             timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (audit_position, query, hash_id)
);
CREATE INDEX matches_hash_id ON matches (hash_id);
