-- Statements of store/screening.py. Each opens with a line "name: what it does"; values are %(parameters)s.

-- count_intake: Count hashes in the level, which falls to 1/e in a minute.
-- What was counted in the future, before the clock was set back, has fallen as well: hence abs.
UPDATE intake
SET level = level * exp(-abs(extract(epoch FROM clock_timestamp() - at)) / 60)
        + %(hashes)s,
    at = clock_timestamp();

-- intake_state: The level as it is now, the number of the bank, the challenges' secret.
SELECT level * exp(-abs(extract(epoch FROM clock_timestamp() - at)) / 60) AS level,
    bank, secret
FROM intake;
