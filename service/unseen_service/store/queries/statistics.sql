-- Statements of store/statistics.py. Each opens with "name: what it does"; values are
-- %(parameters)s.

-- statistics: Activity in each of the last `count` periods of some hours (UTC).
SELECT stretch AS at,
    coalesce(sum(entries) FILTER (WHERE kind = 'case.submitted'), 0)::bigint AS cases,
    coalesce(sum(amount) FILTER (WHERE kind = 'case.submitted'), 0)::bigint AS images,
    coalesce(sum(amount) FILTER (WHERE kind = 'case.withdrawn'), 0)::bigint AS withdrawn,
    coalesce(sum(amount) FILTER (WHERE kind = 'match.hit'), 0)::bigint AS matched,
    coalesce(sum(amount) FILTER (WHERE kind = 'match.missed'), 0)::bigint AS missed
FROM (
    SELECT date_trunc(%(unit)s::text, now(), 'UTC')
        - make_interval(hours => %(hours)s::integer * back) AS stretch
    FROM generate_series(0, %(count)s::integer - 1) AS back
) AS stretches
LEFT JOIN activity ON hour >= stretch AND hour < stretch + make_interval(hours => %(hours)s::integer)
GROUP BY stretch
ORDER BY stretch;
