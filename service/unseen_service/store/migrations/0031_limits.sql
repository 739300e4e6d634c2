-- Limits of keys, by line (the first of the keys that were rotated into one another).

CREATE TABLE key_limits (
    line                bigint PRIMARY KEY REFERENCES keys,
    -- Null: as the service's settings say.
    requests_per_minute integer CHECK (requests_per_minute >= 0),
    hashes_per_minute   integer CHECK (hashes_per_minute >= 0),
    coarse              boolean NOT NULL DEFAULT false,
    paused_at           timestamptz
);

-- What every worker together has spent, as of `at`; it drains by the capacities a minute.
CREATE TABLE key_usage (
    line              bigint PRIMARY KEY REFERENCES keys,
    requests          double precision NOT NULL,
    hashes            double precision NOT NULL,
    requests_capacity integer NOT NULL,
    hashes_capacity   integer NOT NULL,
    at                timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What staff should look at.
CREATE TABLE alerts (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now(),
    kind    text NOT NULL,
    line    bigint REFERENCES keys,
    details jsonb NOT NULL
);
