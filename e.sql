explain (rewrite) select id from h where i4 = any(select i4 from h where id < 3)
explain (rewrite) select id from h where i4 = any(select i4 from h h9 where h9.id < 3)
explain (rewrite) select id from h where i4 in (select i4 from h where id < 3)
explain (rewrite) select id from h where i4 = some (select i4 from h where id < 3)
