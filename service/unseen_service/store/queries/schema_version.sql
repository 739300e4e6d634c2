-- Statements of store/schema_version.py. Each opens with "name: what it does"; values are
-- %(parameters)s.

-- newest_migration: The number of the newest migration that was applied.
SELECT max(number) FROM migrations;
