-- What the audit log commits to: each change of a covered row is noted here by triggers, so that
-- no statement can forget it, and claimed by the transaction's next audit entry.

-- Objects (rows, or groups of rows) that a transaction has changed and no entry has claimed yet.
-- An older version claims nothing; `position` is then its entry, so that a newer one can.
CREATE TABLE state_noted (
    change_set bigint NOT NULL,
    kind       text COLLATE "C" NOT NULL,
    id         bigint NOT NULL,
    sub        bigint NOT NULL DEFAULT 0,
    position   bigint,
    PRIMARY KEY (change_set, kind, id, sub)
);
CREATE INDEX state_noted_position ON state_noted (position) WHERE position IS NOT NULL;
CREATE SEQUENCE state_change_sets;

-- The salt of each change set that an entry names: without it, the entry tells nothing.
CREATE TABLE state_salts (
    change_set bigint PRIMARY KEY,
    salt       bytea NOT NULL CHECK (octet_length(salt) = 32)
);

-- What the objects of a change set were once it was done: SHA-256 of their content; null: gone.
CREATE TABLE state_digests (
    change_set bigint NOT NULL,
    kind       text COLLATE "C" NOT NULL,
    id         bigint NOT NULL,
    sub        bigint NOT NULL,
    digest     bytea CHECK (octet_length(digest) = 32),
    PRIMARY KEY (change_set, kind, id, sub)
);

-- State from before there were commitments: committed to in steps, up to `upto`.
CREATE TABLE state_baseline (
    kind text COLLATE "C" PRIMARY KEY,
    done bigint NOT NULL DEFAULT 0,
    upto bigint NOT NULL
);

-- Arguments: the kind of object, the expressions of its two numbers over the changed rows, and for
-- updates a condition on `was` and `now` that tells whether anything covered has changed.
CREATE FUNCTION note_state() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    current text := nullif(current_setting('unseen.change_set', true), '');
    changed text := 'changed';
BEGIN
    IF NOT EXISTS (SELECT FROM changed) THEN
        RETURN NULL;
    END IF;
    IF TG_NARGS > 3 AND TG_OP = 'UPDATE' THEN
        changed := format('(SELECT now.* FROM changed AS now JOIN before AS was USING (id)'
            ' WHERE %s) AS changed', TG_ARGV[3]);
    END IF;
    IF current IS NULL THEN
        current := set_config('unseen.change_set', nextval('state_change_sets')::text, true);
    END IF;
    EXECUTE format(
        'INSERT INTO state_noted (change_set, kind, id, sub)'
        ' SELECT $1, $2, id, sub FROM (SELECT DISTINCT %s AS id, %s AS sub FROM %s) AS each'
        ' WHERE id IS NOT NULL ON CONFLICT DO NOTHING',
        TG_ARGV[1], TG_ARGV[2], changed
    ) USING current::bigint, TG_ARGV[0];
    RETURN NULL;
END $$;

DO $$
DECLARE
    each record;
    event text;
BEGIN
    FOR each IN SELECT * FROM (VALUES
        ('cases', 'INSERT UPDATE', 'case', 'id', '0',
            '(now.audit_ref, now.number, now.platform_id, now.submitted_at, now.withdrawn_at,'
            ' now.opened_after) IS DISTINCT FROM'
            ' (was.audit_ref, was.number, was.platform_id, was.submitted_at, was.withdrawn_at,'
            ' was.opened_after)'),
        ('images', 'INSERT UPDATE', 'image', 'id', '0',
            '(now.case_id, now.number, now.convention, now.withdrawn_at, now.withdrawn_after)'
            ' IS DISTINCT FROM'
            ' (was.case_id, was.number, was.convention, was.withdrawn_at, was.withdrawn_after)'),
        ('image_hashes', 'INSERT', 'image', 'image_id', '0', ''),
        ('hashes', 'INSERT UPDATE', 'hash', 'id', '0',
            '(now.record, now.active, now.standing, now.barred, now.barred_near,'
            ' now.pdq IS NULL) IS DISTINCT FROM'
            ' (was.record, was.active, was.standing, was.barred, was.barred_near,'
            ' was.pdq IS NULL)'),
        ('changes', 'INSERT', 'positions', 'min(position)', 'max(position)', ''),
        ('platforms', 'INSERT', 'platform', 'id', '0', ''),
        ('keys', 'INSERT UPDATE', 'key', 'id', '0', ''),
        ('key_limits', 'INSERT UPDATE', 'limits', 'line', '0', ''),
        ('reviews', 'INSERT UPDATE', 'review', 'hash_id', '0', ''),
        ('proposals', 'INSERT UPDATE DELETE', 'proposal', 'hash_id', '0', ''),
        ('disputes', 'INSERT UPDATE', 'dispute', 'hash_id', 'platform_id', ''),
        ('feedback', 'INSERT UPDATE', 'feedback', 'hash_id', 'platform_id', ''),
        ('case_feedback', 'INSERT', 'case-feedback', 'case_id', 'hash_id', ''),
        ('withdrawals', 'INSERT UPDATE', 'confirmation', 'hash_id', 'platform_id', ''),
        ('subscriptions', 'UPDATE', 'subscription', 'platform_id', '0', ''),
        ('deliveries', 'INSERT', 'delivery', 'platform_id', 'lower(positions)', ''),
        ('webhooks', 'INSERT DELETE', 'webhook', 'id', '0', ''),
        ('benign_hashes', 'INSERT DELETE', 'benign', 'id', '0', '')
    ) AS listed (tab, events, kind, id, sub, condition)
    LOOP
        FOREACH event IN ARRAY string_to_array(each.events, ' ') LOOP
            EXECUTE format(
                'CREATE TRIGGER note_%s AFTER %s ON %I REFERENCING %s FOR EACH STATEMENT'
                ' EXECUTE FUNCTION note_state(%L, %L, %L%s)',
                lower(event), event, each.tab,
                CASE event WHEN 'DELETE' THEN 'OLD TABLE AS changed'
                    WHEN 'UPDATE' THEN 'OLD TABLE AS before NEW TABLE AS changed'
                    ELSE 'NEW TABLE AS changed' END,
                each.kind, each.id, each.sub,
                CASE WHEN each.condition = '' THEN '' ELSE format(', %L', each.condition) END);
        END LOOP;
    END LOOP;
END $$;

-- An entry of an older version claims nothing: remember which changes it was about.
CREATE FUNCTION note_unclaimed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE current text := nullif(current_setting('unseen.change_set', true), '');
BEGIN
    IF current IS NOT NULL THEN
        UPDATE state_noted SET position = NEW.position
        WHERE change_set = current::bigint AND position IS NULL;
        PERFORM set_config('unseen.change_set', '', true);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER note_unclaimed AFTER INSERT ON audit_log
    FOR EACH ROW EXECUTE FUNCTION note_unclaimed();

INSERT INTO state_baseline (kind, upto)
SELECT kind, upto FROM (VALUES
    ('case', (SELECT max(id) FROM cases)),
    ('image', (SELECT max(id) FROM images)),
    ('hash', (SELECT max(id) FROM hashes)),
    ('positions', (SELECT max(position) FROM changes)),
    ('platform', (SELECT max(id) FROM platforms)),
    ('key', (SELECT max(id) FROM keys)),
    ('limits', (SELECT max(line) FROM key_limits)),
    ('review', (SELECT max(hash_id) FROM reviews)),
    ('feedback', (SELECT max(hash_id) FROM feedback)),
    ('confirmation', (SELECT max(hash_id) FROM withdrawals)),
    ('subscription', (SELECT max(platform_id) FROM subscriptions)),
    ('delivery', (SELECT max(platform_id) FROM deliveries)),
    ('webhook', (SELECT max(id) FROM webhooks)),
    ('benign', (SELECT max(id) FROM benign_hashes))
) AS found (kind, upto)
WHERE upto IS NOT NULL;
