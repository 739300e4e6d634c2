-- Whether a key needs a second person is decided in one place, the service (models/keys.py), and
-- stored with the key; the constraint holds every key to what was stored, and names no scope.

ALTER TABLE keys ADD COLUMN needs_approval boolean NOT NULL DEFAULT false;
UPDATE keys SET needs_approval = scopes && ARRAY['feed', 'admin'];

DO $$
DECLARE old text;
BEGIN
    SELECT conname INTO STRICT old FROM pg_constraint
    WHERE conrelid = 'keys'::regclass AND contype = 'c'
        AND pg_get_constraintdef(oid) LIKE '%scopes && %';
    EXECUTE format('ALTER TABLE keys DROP CONSTRAINT %I', old);
END $$;

ALTER TABLE keys ADD CONSTRAINT keys_approved_by_second_person
    CHECK (NOT needs_approval OR approved_at IS NULL OR approved_by IS NOT NULL);
