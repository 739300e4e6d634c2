-- The role that serves, and its rights; run by the owner of the tables.

-- create_role: Create the role if the server has none, and let the connecting user assume it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'unseen_serve') THEN
        BEGIN
            CREATE ROLE unseen_serve NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- a migration of another database created it at the same moment
        END;
    END IF;
    -- From version 16 on, whoever creates a role may administer it, and not assume it.
    IF NOT pg_has_role(session_user, 'unseen_serve', CASE
        WHEN current_setting('server_version_num')::integer < 160000 THEN 'MEMBER' ELSE 'SET' END)
    THEN
        EXECUTE format('GRANT unseen_serve TO %I', session_user);
    END IF;
END $$;

-- grant_rights: Rights on the rows of all tables, except to change or delete what is append-only.
DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO unseen_serve', current_schema());
    EXECUTE format('REVOKE DELETE ON ALL TABLES IN SCHEMA %I FROM unseen_serve', current_schema());
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA %I TO unseen_serve',
        current_schema());
    -- Rows of other tables are never deleted: of a withdrawn hash only the bits are erased.
    GRANT DELETE ON alerts, benign_hashes, finds, key_usage, owed, proposals, submissions,
        webhook_messages, webhooks TO unseen_serve;
    GRANT DELETE ON state_noted TO unseen_serve;
    EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO unseen_serve', current_schema());
    REVOKE UPDATE ON audit_log, changes FROM unseen_serve;
    REVOKE UPDATE ON state_digests, state_salts FROM unseen_serve;
    REVOKE INSERT ON audit_head, change_head, intake, retention, tally, vitals
        FROM unseen_serve;
    REVOKE INSERT, UPDATE ON encryption, encryption_keys, migrations FROM unseen_serve;
    IF EXISTS (SELECT FROM encryption WHERE version IS NOT NULL) THEN
        REVOKE ALL ON change_head FROM unseen_serve;
    END IF;
END $$;

-- has_role_and_rights: Whether this user may assume the role, which can append but not change.
SELECT pg_has_role(session_user, oid, CASE
        WHEN current_setting('server_version_num')::integer < 160000 THEN 'MEMBER' ELSE 'SET' END)
    AND has_table_privilege(oid, 'audit_log'::regclass, 'INSERT')
    AND NOT has_table_privilege(oid, 'audit_log'::regclass, 'UPDATE, DELETE, TRUNCATE')
    AND NOT has_table_privilege(oid, 'hashes'::regclass, 'DELETE')
    AND has_table_privilege(oid, 'change_head'::regclass, 'SELECT')
        = NOT EXISTS (SELECT FROM encryption WHERE version IS NOT NULL)
FROM pg_roles WHERE rolname = 'unseen_serve';
