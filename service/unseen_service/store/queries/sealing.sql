-- Statements of store/sealing.py. Each opens with "name: what it does"; values are %(parameters)s.

-- encryption: The key that new rows are sealed with (null: none), and what recognises each key; what
-- the audit log says about it, which nobody can take back. It is counted, because for EXISTS a
-- planner without statistics may read the log from its beginning.
SELECT version, completed,
    (SELECT count(*) FROM audit_log WHERE kind = 'encryption.begun') > 0 AS was_begun,
    (SELECT count(*) FROM audit_log WHERE kind = 'encryption.completed') > 0 AS was_completed,
    ARRAY(SELECT version FROM encryption_keys ORDER BY version) AS versions,
    ARRAY(SELECT check_value FROM encryption_keys ORDER BY version) AS check_values
FROM encryption;
