-- The exchange: what platforms were handed, what they said of it, what they hold themselves.

-- 'standing' and 'feedback': an active hash of which something else is known now.
ALTER TABLE changes DROP CONSTRAINT changes_kind_check;
ALTER TABLE changes ADD CONSTRAINT changes_kind_check
    CHECK (kind IN ('add', 'remove', 'standing', 'feedback'));

-- A hash is told of at its last change only: this finds whether there is a later one.
CREATE INDEX changes_hash_id ON changes (hash_id, position);

-- The StopNCII protocol asks by time, which never decreases with the position.
CREATE INDEX changes_at ON changes (at, position);

-- Names this change log, so that a cursor into another one is noticed.
ALTER TABLE change_head ADD COLUMN log uuid NOT NULL DEFAULT gen_random_uuid();

CREATE TABLE subscriptions (
    platform_id bigint PRIMARY KEY REFERENCES platforms,
    -- How far the log was when it first asked: what was withdrawn by then never reached it.
    base        bigint NOT NULL,
    since       timestamptz NOT NULL DEFAULT now(),
    -- Every position that it was ever handed; one range, unless it began in the middle.
    delivered   int8multirange NOT NULL DEFAULT '{}'
);

-- When each part of subscriptions.delivered was handed out, and how far the log was then: what
-- was handed of a hash is its last change up to `head`, where that lies in `positions`.
CREATE TABLE deliveries (
    platform_id bigint NOT NULL REFERENCES subscriptions,
    positions   int8range NOT NULL,
    head        bigint NOT NULL,
    at          timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX deliveries_positions ON deliveries USING gist (positions);

-- The last that a platform said of a hash; the audit log has all that it ever said.
CREATE TABLE feedback (
    hash_id     bigint NOT NULL REFERENCES hashes,
    platform_id bigint NOT NULL REFERENCES platforms,
    -- Null: it only gave tags.
    value       text CHECK (value IN ('pending-review', 'removed', 'not-removed', 'not-intimate')),
    tags        text[] NOT NULL DEFAULT '{}',
    -- When it first said this value, and when it last did, about matches that came later.
    since       timestamptz NOT NULL DEFAULT now(),
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (hash_id, platform_id)
);

-- A platform said that it has let go of a hash, as of the removal at this position.
CREATE TABLE withdrawals (
    hash_id     bigint NOT NULL REFERENCES hashes,
    platform_id bigint NOT NULL REFERENCES platforms,
    position    bigint NOT NULL REFERENCES changes,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (hash_id, platform_id)
);

-- The hashes that a platform submits form one case of its own, which no PIN opens.
ALTER TABLE cases
    ADD COLUMN platform_id bigint UNIQUE REFERENCES platforms,
    ALTER COLUMN pin_salt DROP NOT NULL,
    ALTER COLUMN pin_digest DROP NOT NULL,
    ADD CHECK (num_nonnulls(pin_salt, pin_digest) = CASE WHEN platform_id IS NULL THEN 2 ELSE 0 END);

-- The StopNCII protocol has no quality: null is "not said".
ALTER TABLE image_hashes ALTER COLUMN quality DROP NOT NULL;

CREATE INDEX matches_platform_id ON matches (platform_id, hash_id, at);
