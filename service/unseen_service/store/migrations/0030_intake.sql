-- Intake: the bank of harmless pictures' hashes, and what a proof of work is reckoned from.

CREATE TABLE benign_hashes (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pdq      bytea NOT NULL UNIQUE CHECK (octet_length(pdq) = 32),
    note     text NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE intake (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- Hashes submitted, each worth 1/e of itself after a minute: as of `at`.
    level       double precision NOT NULL DEFAULT 0,
    at          timestamptz NOT NULL DEFAULT now(),
    -- Counts the changes of benign_hashes, so that who has read it knows.
    bank        bigint NOT NULL DEFAULT 0,
    -- Two random UUIDs, 244 bits of PostgreSQL's strong randomness: only signs challenges.
    secret      bytea NOT NULL
        DEFAULT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
);
INSERT INTO intake DEFAULT VALUES;
