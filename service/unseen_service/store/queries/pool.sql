-- Statements of store/pool.py. Each opens with "name: what it does"; values are %(parameters)s.

-- notify: Notify the listeners of a channel when this transaction commits.
SELECT pg_notify(%(channel)s, '');
