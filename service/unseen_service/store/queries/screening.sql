-- Statements of store/screening.py. Each opens with "name: what it does"; values are
-- %(parameters)s.

-- count_intake: Add hashes to the submission level, which decays to 1/e per minute.
-- A time in the future, from before the clock was set back, decays as well: hence abs().
UPDATE intake
SET level = level * exp(-abs(extract(epoch FROM clock_timestamp() - at)) / 60)
        + %(hashes)s,
    at = clock_timestamp();

-- intake_state: The submission level now, the benign bank's version, the secret of challenges.
SELECT level * exp(-abs(extract(epoch FROM clock_timestamp() - at)) / 60) AS level,
    bank, secret
FROM intake;
