-- Checkpoints that were handed out, on a timer, and the witnesses that have seen them.

CREATE TABLE checkpoints (
    size      bigint PRIMARY KEY,
    note      text NOT NULL,
    -- When it was last signed: a log that does not grow is signed again.
    signed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One row for each witness that is configured; `size` is the largest checkpoint that it has seen.
CREATE TABLE witnesses (
    name         text PRIMARY KEY,
    since        timestamptz NOT NULL DEFAULT clock_timestamp(),
    size         bigint NOT NULL DEFAULT 0,
    succeeded_at timestamptz,
    -- Why the last attempt failed; null: it did not.
    failure      text
);

-- Signature lines of witnesses (C2SP tlog-cosignature).
CREATE TABLE cosignatures (
    size    bigint NOT NULL REFERENCES checkpoints,
    witness text NOT NULL,
    line    text NOT NULL,
    PRIMARY KEY (size, witness)
);
