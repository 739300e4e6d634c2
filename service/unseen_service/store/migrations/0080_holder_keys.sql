-- Keys whose secret only the holder knows: the issuer registers its digest, the holder uses the key
-- once, and only then can someone else approve it. A version that knows nothing of this sees a key
-- without `approved_at` until all of that has happened, and does not accept it.

ALTER TABLE keys
    -- False: the service generated the secret and showed it to the issuer.
    ADD COLUMN made_by_holder boolean NOT NULL DEFAULT false,
    -- When the holder first used it; only for keys made by their holders.
    ADD COLUMN used_at timestamptz,
    -- Of the first two admins, who are created together: the other one's key.
    ADD COLUMN bootstrap_peer bigint REFERENCES keys;
