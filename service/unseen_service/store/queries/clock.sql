-- Statements of store/clock.py. Each opens with "name: what it does"; values are %(parameters)s.

-- now: The server's time.
SELECT clock_timestamp() AS now;
