-- A time beyond the year 9999 could be stored and never be read again, and with it no key at all.
ALTER TABLE keys ADD CHECK (expires_at < timestamptz '9999-01-01 00:00:00+00');
