-- Hashes are sealed, with a key outside the database (encryption/). Rows in clear stay as they are
-- until `unseen-service encrypt`, so that an older version can go on serving beside this one.

CREATE TABLE encryption (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- The key that new rows are sealed with; null: they are in clear.
    version   smallint CHECK (version > 0),
    -- Whether every row is sealed with it.
    completed boolean NOT NULL DEFAULT false,
    CHECK (version IS NOT NULL OR NOT completed)
);
INSERT INTO encryption DEFAULT VALUES;

-- What recognises each key: the service refuses to go on with another one of the same version.
CREATE TABLE encryption_keys (
    version     smallint PRIMARY KEY CHECK (version > 0),
    check_value bytea NOT NULL CHECK (octet_length(check_value) = 16)
);

-- Entries commit to both tables: whoever says that rows in clear are right has to leave an entry.
CREATE TRIGGER note_update AFTER UPDATE ON encryption
    REFERENCING OLD TABLE AS before NEW TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION note_state('encryption', '1', '0');
CREATE TRIGGER note_insert AFTER INSERT ON encryption_keys
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION note_state('encryption', '1', '0');
CREATE TRIGGER note_delete AFTER DELETE ON encryption_keys
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION note_state('encryption', '1', '0');

-- 32 bytes in clear, or 48 sealed. The old checks have the names that PostgreSQL gave them.
ALTER TABLE hashes
    ADD COLUMN key_version smallint,
    -- A keyed digest of the bits: sealed ones are found by it.
    ADD COLUMN lookup_tag bytea,
    DROP CONSTRAINT hashes_pdq_check,
    ADD CONSTRAINT hashes_pdq_form CHECK (
        num_nonnulls(key_version, lookup_tag) IN (0, 2)
        AND (pdq IS NOT NULL OR key_version IS NULL)
        AND octet_length(pdq) = CASE WHEN key_version IS NULL THEN 32 ELSE 48 END
    ) NOT VALID;
CREATE UNIQUE INDEX hashes_lookup_tag ON hashes (lookup_tag) WHERE lookup_tag IS NOT NULL;

ALTER TABLE benign_hashes
    ADD COLUMN key_version smallint,
    DROP CONSTRAINT benign_hashes_pdq_check,
    ADD CONSTRAINT benign_hashes_pdq_form CHECK (
        octet_length(pdq) = CASE WHEN key_version IS NULL THEN 32 ELSE 48 END
    ) NOT VALID;

ALTER TABLE cases
    -- Whether pin_digest is sealed with the pepper.
    ADD COLUMN pin_sealed boolean NOT NULL DEFAULT false,
    -- Some keyed bits of the PIN; null: not known yet.
    ADD COLUMN pin_tag smallint;
-- Whether request_digest is sealed with the pepper.
ALTER TABLE submissions ADD COLUMN request_sealed boolean NOT NULL DEFAULT false;

-- The end of the change log. Once the database is encrypted, the serving role may use only this
-- view and not the table: so workers of older versions, which would write in clear and cannot read
-- what is sealed, fail instead.
CREATE VIEW log_head AS SELECT one, position, at, log, origin FROM change_head;
