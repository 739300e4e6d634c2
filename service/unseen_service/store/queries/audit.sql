-- Statements of store/audit.py. Each opens with "name: what it does"; values are %(parameters)s.

-- lock_audit_head: Lock the audit log's head until commit: one transaction appends at a time.
-- The advisory lock queues waiting transactions first, as for the change log.
SELECT position, greatest(at, clock_timestamp()) AS at, digest, peaks
FROM (SELECT pg_advisory_xact_lock(129116941935732)) AS queue, audit_head
FOR UPDATE OF audit_head;

-- append_audit: Append an entry, and move the head to it.
WITH entry AS (
    INSERT INTO audit_log (position, at, kind, actor, subject, details, digest, nodes)
    VALUES (%(position)s, %(at)s, %(kind)s, %(actor)s, %(subject)s, %(details)s, %(digest)s,
        %(nodes)s)
    RETURNING position, at, digest
)
UPDATE audit_head
SET position = entry.position, at = entry.at, digest = entry.digest, peaks = %(peaks)s
FROM entry;

-- audit_head: Position, time, digest and tree peaks of the last entry.
SELECT position, at, digest, peaks FROM audit_head;

-- read_audit: Entries after a position, in order; of one kind, or of all (kind null).
SELECT position, at, kind, actor, subject, details, digest, nodes
FROM audit_log
WHERE position > %(after)s AND kind = coalesce(%(kind)s::text, kind)
ORDER BY position
LIMIT %(limit)s;

-- read_audit_back: Entries before a position, newest first; of one kind, actor or subject, or
-- of all (null).
SELECT position, at, kind, actor, subject, details, digest, nodes
FROM audit_log
WHERE position < coalesce(%(before)s::bigint, 9223372036854775807)
    AND (%(kind)s::text IS NULL OR kind = %(kind)s)
    AND (%(actor)s::text IS NULL OR actor = %(actor)s)
    AND (%(subject)s::text IS NULL OR subject = %(subject)s)
ORDER BY position DESC
LIMIT %(limit)s;

-- read_audit_nodes: Hashes of perfect subtrees of the Merkle tree, each stored with its last leaf.
SELECT level, index, substring(nodes FROM 32 * level + 1 FOR 32) AS hash
FROM unnest(%(levels)s::integer[], %(indexes)s::bigint[]) AS asked (level, index)
JOIN audit_log ON position = (index + 1) << level;
