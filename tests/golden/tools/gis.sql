SELECT EXISTS (SELECT c.oid FROM pg_class AS c JOIN pg_namespace AS n ON c.relnamespace = n.oid WHERE n.nspname = 'topology' AND c.relname = 'topology')
----
SELECT oid FROM pg_catalog.pg_extension WHERE extname = 'pointcloud_postgis'
----
SELECT nspname, pg_get_userbyid(nspowner) = current_user AS mine, pg_catalog.obj_description(oid) FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname = 'public' ORDER BY nspname
----
SELECT c.relname, a.attname, n.nspname, c.relkind, a.atttypid::regtype FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND has_schema_privilege(n.nspname, 'usage') AND has_table_privilege(quote_ident(n.nspname) || '.' || quote_ident(c.relname), 'select') AND c.relkind IN ('r', 'v', 'm', 'p') AND a.attnum > 0 AND NOT EXISTS (SELECT 1 FROM pg_type t WHERE t.oid = a.atttypid AND t.typname IN ('geometry', 'geography', 'topogeometry')) ORDER BY 1, a.attnum
----
SELECT attname, pg_catalog.format_type(atttypid, atttypmod), pg_catalog.col_description(attrelid, attnum), pg_catalog.pg_get_expr(adbin, adrelid), atttypid, attnotnull::int, indisunique::int, attidentity, attgenerated FROM pg_attribute LEFT OUTER JOIN pg_attrdef ON attrelid = adrelid AND attnum = adnum LEFT OUTER JOIN (SELECT DISTINCT indrelid, indkey, indisunique FROM pg_index WHERE indisunique) uniq ON attrelid = indrelid AND attnum::text = indkey::text WHERE attrelid = 'public.customers'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
----
SELECT oid, typname, typtype, typelem, typlen FROM pg_type WHERE typname IN ('int4', '_text', 'numeric', 'timestamptz', 'bool') ORDER BY oid
----
SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'public.orders'::regclass AND (indisprimary OR indisunique) ORDER BY CASE WHEN indisprimary THEN 1 ELSE 2 END LIMIT 1
----
SELECT attname, attnotnull FROM pg_index, pg_attribute WHERE indexrelid = 'public.orders_pkey'::regclass AND indrelid = attrelid AND pg_attribute.attnum = ANY (pg_index.indkey)
----
SELECT has_table_privilege('public.customers', 'DELETE'), has_any_column_privilege('public.customers', 'UPDATE'), has_column_privilege('public.customers', 'name', 'UPDATE'), has_table_privilege('public.customers', 'INSERT'), current_schema()
----
SELECT pg_is_in_recovery(), c.relkind FROM pg_class c WHERE c.oid = 'public.spending'::regclass
----
SELECT reltuples::bigint <= 0 FROM pg_catalog.pg_class WHERE oid = regclass('public.customers')::oid
----
SELECT regclass('"public"."customers"')::text, description FROM pg_description WHERE objoid = regclass('"public"."customers"')::oid AND objsubid = 1 + 1
----
SELECT 'customers'::regclass::oid = to_regclass('public.customers')::oid AS same
----
SELECT cu.column_name, ccu.table_name, ccu.column_name AS foreign_column FROM information_schema.referential_constraints rc, information_schema.key_column_usage cu, information_schema.key_column_usage ccu WHERE rc.constraint_schema = cu.constraint_schema AND rc.constraint_name = cu.constraint_name AND rc.unique_constraint_schema = ccu.constraint_schema AND rc.unique_constraint_name = ccu.constraint_name AND cu.table_name = 'orders'
