-- Statements of store/hashes.py. Each opens with "name: what it does"; values are %(parameters)s.

-- hashes_by_value: IDs of hashes, by their bits in clear or by the tags of their bits.
SELECT id, pdq AS value FROM hashes WHERE pdq = ANY(%(clear)s::bytea[]) AND key_version IS NULL
UNION ALL
SELECT id, lookup_tag FROM hashes WHERE lookup_tag = ANY(%(tags)s::bytea[]);

-- insert_hashes: Insert hashes that are not stored yet.
INSERT INTO hashes (record, pdq, lookup_tag, key_version, published, ever_published)
SELECT record, pdq, tag, %(version)s::smallint, published, published
FROM unnest(%(records)s::uuid[], %(pdqs)s::bytea[], %(tags)s::bytea[], %(published)s::boolean[])
    AS given (record, pdq, tag, published)
RETURNING id, record;

-- pack_active_hashes: The next hashes that may match, packed into one value, to build an index.
-- Those in clear are padded to the length of the sealed ones.
SELECT max(id) AS last, string_agg(
    int8send(id) || uuid_send(record) || int2send(coalesce(key_version, 0::smallint)) || pdq
    || CASE WHEN key_version IS NULL THEN '\x00000000000000000000000000000000' ELSE ''::bytea END,
    ''::bytea) AS packed
FROM (
    SELECT id, record, key_version, pdq FROM hashes
    WHERE id > %(after)s AND active AND standing <> 'quarantined'
    ORDER BY id LIMIT %(limit)s
) AS block;

-- pack_hashes: The next hashes with bits, packed likewise, each with the tag that it is found by.
SELECT max(id) AS last, string_agg(
    int8send(id) || uuid_send(record) || int2send(coalesce(key_version, 0::smallint)) || pdq
    || CASE WHEN key_version IS NULL THEN '\x00000000000000000000000000000000' ELSE ''::bytea END
    || CASE WHEN octet_length(lookup_tag) = 16 THEN lookup_tag
        ELSE '\x00000000000000000000000000000000' END,
    ''::bytea) AS packed
FROM (
    SELECT id, record, key_version, pdq, lookup_tag FROM hashes
    WHERE id > %(after)s AND pdq IS NOT NULL
    ORDER BY id LIMIT %(limit)s
) AS block;
