-- Statements of store/alerts.py. Each opens with "name: what it does"; values are %(parameters)s.

-- insert_alert: Insert an alert for staff; nothing if the key family no longer exists.
INSERT INTO alerts (kind, line, details)
SELECT %(kind)s, id, %(details)s::jsonb FROM keys WHERE id = %(family_id)s;

-- read_alerts: The newest alerts, newest first.
SELECT id, at, kind, line AS family_id, details FROM alerts ORDER BY id DESC LIMIT %(limit)s;
