-- Statements of store/alerts.py. Each opens with "name: what it does"; values are %(parameters)s.

-- insert_alert: Insert an alert for staff; nothing if the key family no longer exists.
INSERT INTO alerts (kind, line, details)
SELECT %(kind)s, %(family_id)s::bigint, %(details)s::jsonb
WHERE %(family_id)s::bigint IS NULL OR EXISTS (SELECT FROM keys WHERE id = %(family_id)s);

-- is_recent_alert: Whether staff were alerted to this in some hours, about the platform of a key
-- family or, if that is null, about none.
SELECT EXISTS (
    SELECT FROM alerts LEFT JOIN keys ON keys.id = line
    WHERE alerts.kind = %(kind)s AND at > now() - make_interval(hours => %(hours)s::integer)
        AND platform_id IS NOT DISTINCT FROM
            (SELECT platform_id FROM keys WHERE id = %(family_id)s::bigint)
) AS found;

-- read_alerts: The newest alerts, newest first.
SELECT id, at, kind, line AS family_id, details FROM alerts ORDER BY id DESC LIMIT %(limit)s;
