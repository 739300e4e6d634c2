-- Statements of store/sealing.py. Each opens with "name: what it does"; values are %(parameters)s.

-- encryption: The key that new rows are sealed with (null: none), and what recognises each key.
SELECT version, completed,
    ARRAY(SELECT version FROM encryption_keys ORDER BY version) AS versions,
    ARRAY(SELECT check_value FROM encryption_keys ORDER BY version) AS check_values
FROM encryption;
