-- Statements of store/checkpoints.py. Each opens with "name: what it does"; values are
-- %(parameters)s.

-- published_checkpoint: The newest checkpoint that was handed out, with its cosignatures.
SELECT size, note, signed_at,
    extract(epoch FROM clock_timestamp() - signed_at)::float8 AS age_s,
    coalesce((SELECT string_agg(line, '' ORDER BY witness) FROM cosignatures
        WHERE cosignatures.size = checkpoints.size), '') AS cosignatures
FROM checkpoints ORDER BY size DESC LIMIT 1;

-- publish_checkpoint: Store a checkpoint to hand out.
INSERT INTO checkpoints (size, note) VALUES (%(size)s, %(note)s)
ON CONFLICT (size) DO UPDATE SET note = excluded.note, signed_at = excluded.signed_at;

-- add_cosignature: Store a witness's signature of a checkpoint, in place of an older one.
INSERT INTO cosignatures (size, witness, line) VALUES (%(size)s, %(witness)s, %(line)s)
ON CONFLICT (size, witness) DO UPDATE SET line = excluded.line;

-- add_witnesses: Insert the witnesses that are not known yet.
INSERT INTO witnesses (name) SELECT unnest(%(names)s::text[]) ON CONFLICT (name) DO NOTHING;

-- list_witnesses: Some witnesses, and for how long each has been silent.
SELECT name, size, failure,
    extract(epoch FROM clock_timestamp() - coalesce(succeeded_at, since))::float8 AS silent_s,
    succeeded_at IS NOT NULL AND failure IS NULL AS is_up_to_date
FROM witnesses WHERE name = ANY(%(names)s) ORDER BY name;

-- witness_succeeded: Record that a witness has a checkpoint.
UPDATE witnesses SET size = %(size)s, succeeded_at = clock_timestamp(), failure = NULL
WHERE name = %(name)s;

-- witness_failed: Record why a witness did not accept a checkpoint.
UPDATE witnesses SET failure = %(failure)s WHERE name = %(name)s;
