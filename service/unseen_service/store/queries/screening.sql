-- Statements of store/screening.py. Each opens with "name: what it does"; values are
-- %(parameters)s.

-- reserve_intake: Add hashes to the submission level, which decays to 1/e per minute; return it
-- as it was before. A time in the future, from before the clock was set back, decays as well: hence
-- abs(). What is left after hours would be too small a number for PostgreSQL: hence least().
UPDATE intake
SET level = level * exp(-least(100, abs(extract(epoch FROM clock_timestamp() - at)) / 60))
        + %(hashes)s,
    at = clock_timestamp()
RETURNING level - %(hashes)s AS before;

-- release_intake: Remove hashes from the submission level; return what is left.
UPDATE intake
SET level = greatest(
        0, level * exp(-least(100, abs(extract(epoch FROM clock_timestamp() - at)) / 60)) - %(hashes)s
    ),
    at = clock_timestamp()
RETURNING level;

-- intake_state: The submission level now, the benign bank's version, the secret of challenges.
SELECT level * exp(-least(100, abs(extract(epoch FROM clock_timestamp() - at)) / 60)) AS level,
    bank, secret
FROM intake;
