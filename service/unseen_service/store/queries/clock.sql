-- Statements of store/clock.py. Each opens with a line "name: what it does"; values are %(parameters)s.

-- now: What time it is.
SELECT clock_timestamp() AS now;
