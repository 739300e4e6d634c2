-- Statements of store/alerts.py. Each opens with a line "name: what it does"; values are %(parameters)s.

-- insert_alert: Something that staff should look at; nothing where the line is gone.
INSERT INTO alerts (kind, line, details)
SELECT %(kind)s, id, %(details)s::jsonb FROM keys WHERE id = %(line)s;

-- read_alerts: The newest alerts first.
SELECT id, at, kind, line, details FROM alerts ORDER BY id DESC LIMIT %(limit)s;
