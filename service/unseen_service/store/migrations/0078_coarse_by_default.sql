-- Null: as the service's settings say, which is coarse. The keys that exist keep exact distances
-- unless they were made coarse.

ALTER TABLE key_limits ALTER COLUMN coarse DROP NOT NULL, ALTER COLUMN coarse DROP DEFAULT;
INSERT INTO key_limits (line, coarse)
SELECT DISTINCT coalesce(first_key, id), false FROM keys
ON CONFLICT (line) DO NOTHING;
