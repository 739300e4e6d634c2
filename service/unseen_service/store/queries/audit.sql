-- Statements of store/audit.py. Each opens with a line "name: what it does"; values are %(parameters)s.

-- lock_audit_head: Become the only one to append to the audit log until commit.
-- One waits as for the change log.
SELECT position, greatest(at, clock_timestamp()) AS at, digest, peaks
FROM (SELECT pg_advisory_xact_lock(129116941935732)) AS line, audit_head
FOR UPDATE OF audit_head;

-- append_audit: One more link; the head moves with it.
WITH entry AS (
    INSERT INTO audit_log (position, at, kind, actor, subject, details, digest, nodes)
    VALUES (%(position)s, %(at)s, %(kind)s, %(actor)s, %(subject)s, %(details)s, %(digest)s,
        %(nodes)s)
    RETURNING position, at, digest
)
UPDATE audit_head
SET position = entry.position, at = entry.at, digest = entry.digest, peaks = %(peaks)s
FROM entry;

-- audit_head: How far the audit log is.
SELECT position, at, digest, peaks FROM audit_head;

-- read_audit: Audit entries after a position, in order; one kind of them, or all (kind null).
SELECT position, at, kind, actor, subject, details, digest, nodes
FROM audit_log
WHERE position > %(after)s AND kind = coalesce(%(kind)s::text, kind)
ORDER BY position
LIMIT %(limit)s;

-- read_audit_back: Audit entries, the newest first; before a position, of a kind, an actor, a
-- subject, or all (null).
SELECT position, at, kind, actor, subject, details, digest, nodes
FROM audit_log
WHERE position < coalesce(%(before)s::bigint, 9223372036854775807)
    AND (%(kind)s::text IS NULL OR kind = %(kind)s)
    AND (%(actor)s::text IS NULL OR actor = %(actor)s)
    AND (%(subject)s::text IS NULL OR subject = %(subject)s)
ORDER BY position DESC
LIMIT %(limit)s;

-- read_audit_nodes: Perfect subtrees of the Merkle tree: each is kept with its last leaf.
SELECT level, index, substring(nodes FROM 32 * level + 1 FOR 32) AS hash
FROM unnest(%(levels)s::integer[], %(indexes)s::bigint[]) AS asked (level, index)
JOIN audit_log ON position = (index + 1) << level;
