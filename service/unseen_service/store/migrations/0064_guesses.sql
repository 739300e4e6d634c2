-- Wrong PINs of late, by 16 bits of the digest of the case number that they were for, whether or
-- not there is such a case: who guesses numbers must not learn from the wait which there are.

CREATE TABLE guesses (
    bucket integer PRIMARY KEY CHECK (bucket BETWEEN 0 AND 65535),
    -- Halves by the hour.
    wrong  double precision NOT NULL,
    at     timestamptz NOT NULL
);

ALTER TABLE cases DROP COLUMN wrong_pins;
