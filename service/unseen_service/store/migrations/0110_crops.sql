-- A hash of a crop answers lookups and nothing else: no feed, webhook or export has it. Whether a hash
-- may match (active) and whether platforms may receive it (published) are therefore separate.
-- Everything from before is published; older versions of the service, too, only add such hashes.

ALTER TABLE hashes
    -- An image that was not withdrawn holds it as anything but a crop; without meaning unless active.
    ADD COLUMN published boolean NOT NULL DEFAULT true,
    -- It was published at some time: the feed has it, or its tombstone.
    ADD COLUMN ever_published boolean NOT NULL DEFAULT true;

-- Whether the hash was published when it changed: who received this position received the hash.
ALTER TABLE changes ADD COLUMN published boolean NOT NULL DEFAULT true;

-- What audit entries commit to of a hash includes both (docs/audit.md).
DROP TRIGGER note_update ON hashes;
CREATE TRIGGER note_update AFTER UPDATE ON hashes
    REFERENCING OLD TABLE AS before NEW TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION note_state('hash', 'id', '0',
        '(now.record, now.active, now.standing, now.barred, now.barred_near, now.pdq IS NULL,'
        ' now.published, now.ever_published) IS DISTINCT FROM'
        ' (was.record, was.active, was.standing, was.barred, was.barred_near, was.pdq IS NULL,'
        ' was.published, was.ever_published)');
