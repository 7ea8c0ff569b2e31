-- Views over tests/catalog/objects.py, one a line: printed back as by PostgreSQL 15 (test_views.py).
SELECT * FROM t
SELECT id, a, b FROM t WHERE a > 1 AND b = 'x' OR NOT a = 2
SELECT t.a AS x, t2.b, 1 AS one, 'lit' AS lit, NULL AS n, -1 AS neg, 1.50 AS num, true AS yes FROM t JOIN t t2 ON t.id = t2.id
SELECT a + 1 AS s, a * (a + 2) - 3 AS m, -a AS neg, a / 2.0 AS d, a % 3 AS r, (a - 1) - 2 AS l, a - (1 - 2) AS k FROM t
SELECT count(*), sum(a), avg(a) AS m, max(b), count(DISTINCT a) AS d, string_agg(b, ',' ORDER BY a DESC) AS agg, sum(a) FILTER (WHERE a > 1) AS f FROM t GROUP BY b HAVING count(*) > 1 ORDER BY 1 DESC, b NULLS FIRST LIMIT 5 OFFSET 2
SELECT b, upper(b) AS u, length(b) AS l, b || 'x' AS c, lower(b::text) AS lo FROM t ORDER BY upper(b)
SELECT CASE WHEN a > 1 THEN 'big' WHEN a = 1 THEN 'one' ELSE 'small' END AS size, CASE a WHEN 1 THEN 2 END AS z FROM t
SELECT c.note, t.b FROM child c LEFT JOIN t ON t.id = c.t_id WHERE c.x > 1
SELECT id, note FROM child JOIN t USING (id)
SELECT a FROM t UNION SELECT b FROM g ORDER BY a
SELECT a FROM t UNION ALL SELECT a FROM g UNION ALL SELECT 1 LIMIT 3
SELECT a FROM t EXCEPT SELECT a FROM g INTERSECT SELECT 5
(SELECT a FROM t ORDER BY a LIMIT 1) UNION SELECT 2
WITH w AS (SELECT a, b FROM t WHERE a > 0), v AS (SELECT max(a) AS m FROM w) SELECT w.a, v.m FROM w, v
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 10) SELECT n FROM r
SELECT q.a, q.s FROM (SELECT a, sum(id) AS s FROM t GROUP BY a) q WHERE q.s > 2
SELECT a FROM t WHERE EXISTS (SELECT 1 FROM child WHERE child.t_id = t.id)
SELECT a FROM t WHERE id IN (SELECT t_id FROM child WHERE note LIKE 'a%') AND a NOT IN (1, 2, 3)
SELECT a, (SELECT max(c.x) FROM child c WHERE c.t_id = t.id) AS mx FROM t
SELECT a FROM t WHERE a > (SELECT avg(a) FROM t)
SELECT a FROM t WHERE a IN (1, 2) AND b IN ('x', 'y') AND a BETWEEN 1 AND 5 AND a NOT BETWEEN 7 AND 8
SELECT b FROM t WHERE b LIKE 'x%' OR b NOT LIKE 'y%' OR b ILIKE 'z' OR b ~ '^q' OR b IS NULL OR b IS NOT NULL
SELECT row_number() OVER (PARTITION BY b ORDER BY a DESC) AS rn, sum(a) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s, lag(a) OVER w AS l FROM t WINDOW w AS (ORDER BY id)
SELECT date_trunc('day', e) AS d, count(*) AS n FROM t GROUP BY date_trunc('day', e) ORDER BY 1
SELECT date_trunc('month', e) AS d, sum(a) FROM t GROUP BY 1 ORDER BY d DESC
SELECT extract(year FROM e) AS y, e AT TIME ZONE 'UTC' AS u, e::date AS d, f + 1 AS nxt, f - interval '1 day' AS bef FROM t
SELECT a::float8 AS f, a::text AS s, c::int AS i, b::varchar(5) AS v, c::numeric(8,3) AS n, 5::bigint AS big, '3'::int AS three, '2020-01-02'::date AS dd, '2020-01-02 03:04'::timestamp AS ts FROM t
SELECT coalesce(a, 0) AS c, nullif(a, 1) AS n, greatest(a, 1, 2) AS g, least(c, 2) AS l FROM t
SELECT d[1] AS first, array_length(d, 1) AS n, d || 'x'::text AS more, 'x' = ANY (d) AS has, ARRAY[a, 1] AS arr FROM t
SELECT DISTINCT a, b FROM t
SELECT DISTINCT ON (a) a, b FROM t ORDER BY a, b DESC
SELECT now() AS n, current_date AS d, current_timestamp AS ts, current_user AS u
SELECT a IS DISTINCT FROM id AS x, a IS NOT DISTINCT FROM 1 AS y, (a > 1) IS TRUE AS z, NOT (a > 1 AND id > 2) AS w FROM t
SELECT n, n * 2 AS dbl FROM generate_series(1, 10) AS g(n)
SELECT * FROM generate_series(1, 3)
SELECT twice(x) AS tw, sqrt(x) AS sq, power(x, 2) AS p, round(x::numeric, 2) AS r, abs(x) AS ab FROM child
SELECT "A b", "select" FROM other."Mixed Case"
SELECT v.a, mv.id FROM v JOIN mv ON mv.id = v.id
SELECT t.*, child.note FROM t JOIN (child JOIN g ON g.a = child.t_id) ON t.id = child.t_id
SELECT x.p, x.q FROM t AS x(p, q)
SELECT a AS "Weird Name", b AS "user" FROM t
SELECT sum(x * 2 + 1) / count(*) AS m, stddev(x), min(x) - max(x) AS rng FROM child WHERE x > 0.5 AND x < 10 AND note <> 'bad'
SELECT a, b FROM t WHERE (a = 1 OR a = 2) AND (b = 'x' OR b = 'y') ORDER BY a + 1, b
SELECT to_char(e, 'YYYY') AS y, concat(b, 'x', a) AS c, format('%s', b) AS f, left(b, 2) AS l, replace(b, 'a', 'b') AS r FROM t
SELECT j -> 'k' AS k, j ->> 'k' AS kk, tags[1] FROM big
SELECT price * 2 AS p, price > 1 AS gt, sm + 1 AS sm, r * 2 AS r2, iv FROM big WHERE ok AND ts > '2020-01-01'::date
SELECT count(*) AS n FROM t HAVING count(*) > 0
SELECT 1 AS a UNION ALL SELECT 2.5
SELECT 'x' AS a UNION SELECT b FROM t
SELECT a FROM t WHERE a = ANY (ARRAY[1, 2]) AND a <> ALL (ARRAY[5, 6])
SELECT relname FROM pg_class WHERE relkind = 'r'
SELECT c.id AS a1, c.note AS n1 FROM child c JOIN t ON c.t_id = t.id JOIN g ON g.a = t.a LEFT JOIN part_of p ON p.a = g.a AND p.b = g.b WHERE p.c IS NULL
SELECT q.n FROM (SELECT count(*) AS n FROM t UNION ALL SELECT count(*) FROM child) q(n)
SELECT a FROM t t1 WHERE NOT EXISTS (SELECT 1 FROM t t2 WHERE t2.a > t1.a)
SELECT a, b FROM t WHERE NOT (a IN (1,2)) AND NOT (b LIKE 'x') AND NOT b IS NULL
SELECT CASE WHEN a IS NULL THEN 0.0 ELSE a / 2.0 END AS v, CASE WHEN x > 1 THEN 'a' ELSE note END AS s FROM t JOIN child ON child.t_id = t.id
SELECT (SELECT count(*) FROM child WHERE child.t_id = t.id) AS n, a FROM t ORDER BY (SELECT 1)
SELECT avg(x) OVER (PARTITION BY t_id ORDER BY id ROWS 2 PRECEDING) AS m, rank() OVER (ORDER BY x DESC NULLS LAST) AS r, ntile(4) OVER (ORDER BY x) AS q, first_value(x) OVER (PARTITION BY t_id ORDER BY id RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS f FROM child
SELECT a FROM t WHERE a + 1 > 2 * a - 3 AND (a - 1) * 2 = 4 AND -a < 0 AND a % 2 = 1 AND a ^ 2 > 4
SELECT b || '-' || a AS k, b || a::text AS kk, upper(b) || lower(b) AS u FROM t WHERE b || 'x' = 'yx'
SELECT t.id, l.n FROM t, LATERAL (SELECT count(*) AS n FROM child c WHERE c.t_id = t.id) l
SELECT t.id, u.x FROM t CROSS JOIN LATERAL unnest(t.d) AS u(x)
SELECT s.d::date AS day FROM generate_series('2020-01-01'::timestamp, '2020-01-03'::timestamp, '1 day'::interval) AS s(d)
SELECT max(a) FILTER (WHERE b IS NOT NULL AND a < 5) AS m, bool_and(a > 0) AS ok, array_agg(a ORDER BY a) AS arr, count(a) AS n, json_agg(b) AS j FROM t
SELECT a AS x, sum(id) AS s FROM t GROUP BY x HAVING sum(id) > 1 AND min(b) = 'q' ORDER BY s DESC, x
SELECT lower(b) AS lb FROM t WHERE lower(b) IN ('a', 'b') AND length(b) > 2 AND b >= 'a' AND b < 'c'
SELECT e, e::timestamp AS ts, e > now() - interval '2 hours' AS recent, age(e) AS ag, date_part('hour', e) AS h, to_char(e, 'HH24') AS hh FROM t
SELECT f, f > '2020-01-01' AS late, f - f AS zero, f + interval '1 month' AS nm, extract(dow FROM f) AS dow, f::text AS tx FROM t
SELECT c, c + 1 AS c1, c * 1.5 AS c2, round(c) AS r, c::int AS ci, c > 3 AS big, trunc(c, 1) AS tr FROM t
SELECT x, x::int AS i, x + 1 AS p, x * id AS xi, floor(x) AS fl, x / 3 AS third, x = 1.5 AS eq, sin(x) + cos(x) AS w, exp(-x) AS ex, ln(x + 1) AS l FROM child
SELECT o.id FROM (SELECT id FROM t WHERE a > 1 ORDER BY id LIMIT 10) o JOIN (SELECT id FROM child) i ON i.id = o.id
SELECT id FROM t WHERE a = (SELECT max(a) FROM t WHERE b = 'x') OR a = 5
SELECT a AS "A", count(*) AS "N" FROM t GROUP BY a ORDER BY "N" DESC, "A"
SELECT true AND a > 1 AS tt, NOT ok AS nok, ok OR sm = 1 AS ook, ok IS NOT TRUE AS nt, ok = true AS eqt FROM t, big
SELECT u::text AS ut, vc || 'x' AS v, c || 'y' AS cc, c = 'abc' AS ceq, vc = 'q' AS veq, vc IN ('a', 'b') AS vin, coalesce(vc, 'none') AS vn, length(vc) AS ln, j ? 'a' AS has, sm * 2::smallint AS s2 FROM big
SELECT concat_ws('-', b, a) AS c, substr(b, 1, 2) AS s, strpos(b, 'x') AS p, repeat(b, 2) AS r, md5(b) AS m, initcap(b) AS i, reverse(b) AS rv, lpad(b, 5) AS lp FROM t
SELECT position('x' in b) AS p, trim(b) AS t FROM t
SELECT 3000000000 AS big, 1e3 AS e, .5 AS h, '12'::bigint AS l, -5 AS neg, -1.5 AS negf, 2147483648 AS over, 'NaN'::float8 AS nan, '1.5'::float8 AS f, true AS t, NULL::int AS ni, ''::text AS emp, 'it''s' AS q
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(n, s)
VALUES (1, 'a'), (2, 'b')
SELECT t.id FROM t FULL JOIN g ON t.a = g.a
SELECT id FROM t NATURAL JOIN child
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) AS med FROM child
SELECT o."A b" AS ab FROM other."Mixed Case" o WHERE o."select" = 'x'
SELECT a.id FROM public.t a JOIN other.vw w ON w.b = a.b
SELECT c.*, t.a, t.b FROM child c, t WHERE c.t_id = t.id
SELECT t.id, child.note FROM t JOIN (child JOIN g ON g.a = child.t_id) ON t.id = child.t_id
SELECT child.*, t.a AS ta FROM child LEFT JOIN t USING (id) RIGHT JOIN g ON g.a = t.a
SELECT d[2] || 'x' AS y, array_to_string(d, ',') AS s, cardinality(d) AS n FROM t WHERE d @> ARRAY['x'] AND d && ARRAY['y'::text]
SELECT id, t.a, x FROM t FULL JOIN child USING (id) WHERE id > 1 ORDER BY id
SELECT * FROM t JOIN child USING (id)
SELECT a, id, part_of.c FROM t FULL JOIN child USING (id) FULL JOIN part_of USING (a)
SELECT id + 1 AS n FROM t NATURAL JOIN child
