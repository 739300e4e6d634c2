-- What is measured of the database as a whole, by one worker for all of them.
CREATE TABLE vitals (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    at       timestamptz NOT NULL DEFAULT '-infinity',
    measured jsonb
);
INSERT INTO vitals DEFAULT VALUES;
