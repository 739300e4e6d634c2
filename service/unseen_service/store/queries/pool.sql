-- Statements of store/pool.py. Each opens with a line "name: what it does"; values are %(parameters)s.

-- notify: Wake who listens on a channel, once this transaction has committed.
SELECT pg_notify(%(channel)s, '');
