SELECT c.relname, c.relkind, n.nspname, obj_description(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'gradwire') AND n.nspname NOT LIKE 'pg_toast%' AND c.relkind IN ('r','v','m','f','p') ORDER BY 3, 1
----
SELECT table_schema, table_name, column_name, ordinal_position, column_default, is_nullable, data_type, character_maximum_length, numeric_precision, numeric_scale, udt_name, is_identity, identity_generation, is_generated FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position
----
SELECT kcu.column_name FROM information_schema.table_constraints tc JOIN information_schema.key_column_usage kcu USING (constraint_name, table_schema) WHERE tc.constraint_type = 'PRIMARY KEY' AND tc.table_name = 'orders' ORDER BY kcu.ordinal_position
----
SELECT tc.constraint_name, kcu.column_name, ccu.table_name AS foreign_table, ccu.column_name AS foreign_column, rc.update_rule, rc.delete_rule
FROM information_schema.table_constraints tc
JOIN information_schema.key_column_usage kcu ON tc.constraint_name = kcu.constraint_name AND tc.table_schema = kcu.table_schema
JOIN information_schema.constraint_column_usage ccu ON ccu.constraint_name = tc.constraint_name AND ccu.table_schema = tc.table_schema
JOIN information_schema.referential_constraints rc ON rc.constraint_name = tc.constraint_name AND rc.constraint_schema = tc.table_schema
WHERE tc.constraint_type = 'FOREIGN KEY' AND tc.table_schema = 'public' ORDER BY 1, 2
----
SELECT schemaname, tablename, tableowner IS NOT NULL AS owned, hasindexes, hasrules, hastriggers, rowsecurity FROM pg_catalog.pg_tables WHERE schemaname = 'public' ORDER BY tablename
----
SELECT schemaname, viewname, definition FROM pg_catalog.pg_views WHERE schemaname = 'public' ORDER BY viewname
----
SELECT schemaname, tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname
----
SELECT relname, n_live_tup >= 0 AS counted FROM pg_stat_user_tables WHERE schemaname = 'public' ORDER BY relname
----
SELECT pg_size_pretty(1536::bigint), pg_size_pretty(10240::bigint), pg_size_pretty(123456789::bigint)
----
SELECT has_schema_privilege('public', 'USAGE'), has_table_privilege('public.orders', 'SELECT'), has_database_privilege(current_database(), 'CONNECT'), has_column_privilege('public.orders', 'total', 'SELECT')
----
SELECT r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolconnlimit, r.rolvaliduntil, ARRAY(SELECT b.rolname FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles b ON (m.roleid = b.oid) WHERE m.member = r.oid ORDER BY b.rolname) as memberof FROM pg_catalog.pg_roles r WHERE r.rolname = 'pg_monitor'
----
SELECT DISTINCT table_schema FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema', 'gradwire') ORDER BY 1
----
SELECT table_name, table_type, is_insertable_into FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name
----
SELECT n.nspname, p.proname, pg_get_function_result(p.oid), pg_get_function_arguments(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public' ORDER BY 2
----
SELECT quote_ident(nspname) FROM pg_catalog.pg_namespace WHERE has_schema_privilege(oid, 'USAGE') AND nspname IN ('public', 'pg_catalog') ORDER BY 1
----
SELECT c.oid::regclass::text, c.reltuples >= -1 AS known, c.relpages >= 0 AS pages, age(c.relfrozenxid) >= 0 AS aged FROM pg_class c WHERE c.relname IN ('orders', 'customers') ORDER BY 1
----
SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE pid = pg_backend_pid()
----
SELECT a.attname, t.typname, a.attlen, a.atttypmod, information_schema._pg_char_max_length(information_schema._pg_truetypid(a, t), information_schema._pg_truetypmod(a, t)) AS max_length FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = 'public.customers'::regclass AND a.attnum > 0 ORDER BY a.attnum
----
SELECT coalesce(json_agg(row_to_json(t)), '[]'::json) FROM (SELECT table_name, json_agg(json_build_object('name', column_name, 'type', udt_name) ORDER BY ordinal_position) AS columns FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'orders' GROUP BY table_name) t
----
SELECT pg_catalog.format_type(23, NULL), pg_catalog.format_type(1043, 104), pg_catalog.format_type(1700, 655366), pg_catalog.format_type(1009, -1), pg_catalog.format_type(0, NULL), pg_catalog.format_type(1231, 655366)
----
SELECT to_regclass('public.orders')::text, to_regclass('nothing') IS NULL AS none, to_regtype('int8')::text, to_regnamespace('public')::text
----
WITH RECURSIVE pks_uniques_cols AS (SELECT DISTINCT connamespace, conrelid, jsonb_agg(column_info.cols) AS cols FROM pg_constraint, LATERAL (SELECT array_agg(attname ORDER BY attname) AS cols FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey)) column_info WHERE contype IN ('p', 'u') AND connamespace::regnamespace::text <> 'pg_catalog' GROUP BY connamespace, conrelid)
SELECT conrelid::regclass::text, cols FROM pks_uniques_cols WHERE connamespace = 'public'::regnamespace ORDER BY 1
----
SELECT ns1.nspname AS table_schema, tab.relname AS table_name, ns2.nspname AS foreign_table_schema, other.relname AS foreign_table_name, (ns1.nspname, tab.relname) = (ns2.nspname, other.relname) AS is_self, traint.conname AS constraint_name, column_info.cols_and_fcols FROM pg_constraint traint JOIN LATERAL (SELECT array_agg(cols.attname || ':' || refs.attname ORDER BY ord) AS cols_and_fcols FROM unnest(traint.conkey, traint.confkey) WITH ORDINALITY AS _(col, ref, ord) JOIN pg_attribute cols ON cols.attrelid = traint.conrelid AND cols.attnum = col JOIN pg_attribute refs ON refs.attrelid = traint.confrelid AND refs.attnum = ref) AS column_info ON TRUE JOIN pg_namespace ns1 ON ns1.oid = traint.connamespace JOIN pg_class tab ON tab.oid = traint.conrelid JOIN pg_class other ON other.oid = traint.confrelid JOIN pg_namespace ns2 ON ns2.oid = other.relnamespace WHERE traint.contype = 'f' AND ns1.nspname = 'public' ORDER BY traint.conname
----
SELECT current_setting('server_version_num')::integer >= 150000 AS new, current_setting('server_version') ~ '^15' AS fifteen, current_setting('pgrst.db_schemas', true) IS NULL AS unset
----
SELECT typname, typinput::text, typoutput::text, typcategory FROM pg_type WHERE oid IN (16, 20, 25, 1184, 3802, 1007) ORDER BY oid
----
SELECT f_geometry_column FROM (SELECT NULL::text AS f_geometry_column WHERE false) g
----
SELECT count(*) FROM pg_proc WHERE proname = 'postgis_version'
----
SELECT l.relname, l.relkind, pg_get_userbyid(l.relowner) IS NOT NULL AS owned, l.relnatts FROM pg_class l JOIN pg_namespace n ON n.oid = l.relnamespace WHERE n.nspname = 'public' AND l.relkind = 'r' AND has_table_privilege(l.oid, 'SELECT, INSERT') ORDER BY 1
----
SELECT NULL AS TABLE_CAT, n.nspname AS TABLE_SCHEM, c.relname AS TABLE_NAME, CASE c.relkind WHEN 'r' THEN 'TABLE' WHEN 'v' THEN 'VIEW' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'm' THEN 'MATERIALIZED VIEW' END AS TABLE_TYPE, d.description AS REMARKS FROM pg_catalog.pg_namespace n, pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_description d ON (c.oid = d.objoid AND d.objsubid = 0 and d.classoid = 'pg_class'::regclass) WHERE c.relnamespace = n.oid AND n.nspname LIKE 'public' AND c.relkind IN ('r', 'v', 'm') ORDER BY TABLE_TYPE, TABLE_NAME
----
select pg_class.relname as relation, sum(1) from pg_class join pg_namespace on pg_namespace.oid = pg_class.relnamespace where nspname = 'public' and relkind in ('r', 'v') group by 1 order by 1
----
with relation as (select pg_rewrite.ev_class as class, pg_rewrite.oid as id from pg_rewrite), class as (select oid as id, relname as name, relnamespace as schema, relkind as kind from pg_class), dependency as (select distinct pg_depend.objid as id, pg_depend.refobjid as ref from pg_depend), schema as (select pg_namespace.oid as id, pg_namespace.nspname as name from pg_namespace where nspname != 'information_schema' and nspname not like 'pg\_%'), referenced as (select relation.id as id, referenced_class.name, referenced_class.schema, referenced_class.kind from relation join class as referenced_class on relation.class = referenced_class.id where referenced_class.kind in ('r', 'v', 'm')), relationships as (select referenced.name as referenced_name, referenced.schema as referenced_schema_id, dependent_class.name as dependent_name, dependent_class.schema as dependent_schema_id from referenced join dependency on referenced.id = dependency.id join class as dependent_class on dependency.ref = dependent_class.id where (referenced.name != dependent_class.name or referenced.schema != dependent_class.schema)) select referenced_schema.name as referenced_schema, relationships.referenced_name, dependent_schema.name as dependent_schema, relationships.dependent_name from relationships join schema as dependent_schema on relationships.dependent_schema_id = dependent_schema.id join schema as referenced_schema on relationships.referenced_schema_id = referenced_schema.id group by 1, 2, 3, 4 order by 1, 2, 3, 4
----
select 'air' as database, tables.table_name as name, 'public' as schema, case tables.table_type when 'BASE TABLE' then 'table' when 'VIEW' then 'view' end as type from information_schema.tables where tables.table_schema ilike 'public' order by 2
----
SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'databasechangeloglock'
----
SELECT "rolsuper" OR "rolcreaterole" IS NOT NULL AS ok FROM "pg_roles" WHERE "rolname" = current_user
----
SELECT EXISTS ( SELECT 1 FROM pg_namespace WHERE nspname = 'public' ), EXISTS ( SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relname = 'flyway_schema_history' AND c.relkind = 'r' )
----
SELECT t.typname AS type_name, t.typcategory, t.oid FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE (t.typrelid = 0 OR (SELECT c.relkind = 'c' FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid)) AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_type el WHERE el.oid = t.typelem AND el.typarray = t.oid) AND n.nspname <> 'pg_catalog' AND n.nspname <> 'information_schema' AND n.nspname <> 'gradwire' ORDER BY 1
----
SELECT i.relname AS index_name, ix.indisunique, ix.indisprimary, array_to_string(array_agg(a.attname ORDER BY array_position(ix.indkey::int2[], a.attnum)), ', ') AS column_names FROM pg_class t JOIN pg_index ix ON t.oid = ix.indrelid JOIN pg_class i ON i.oid = ix.indexrelid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY(ix.indkey) WHERE t.relname = 'orders' GROUP BY 1, 2, 3 ORDER BY 1
----
SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relname = 'orders' AND NOT t.tgisinternal
----
SELECT collname, collcollate, collprovider FROM pg_collation WHERE collname IN ('C', 'POSIX', 'default') ORDER BY 1
----
SELECT spcname, pg_tablespace_location(oid) FROM pg_tablespace ORDER BY 1
----
SELECT lanname, lanpltrusted FROM pg_language WHERE lanname IN ('sql', 'internal') ORDER BY 1
----
SELECT amname, amtype FROM pg_am ORDER BY 1
----
SELECT setting, unit, vartype FROM pg_settings WHERE name IN ('max_connections', 'block_size', 'wal_segment_size') AND name = 'block_size'
----
SELECT datname, pg_encoding_to_char(encoding), datistemplate, datallowconn FROM pg_database WHERE datname = current_database()
----
SELECT slot_name FROM pg_replication_slots
----
SELECT pubname FROM pg_publication
----
SELECT s.relname, pg_get_serial_sequence('public.customers', 'id') FROM pg_class s JOIN pg_namespace n ON n.oid = s.relnamespace WHERE s.relkind = 'S' AND n.nspname = 'public' ORDER BY 1
----
SELECT sequencename, data_type::text, start_value, increment_by, cycle FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1
----
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid IN ('public.orders'::regclass, 'public.customers'::regclass) ORDER BY 1
----
SELECT attname, null_frac IS NULL AS unknown FROM pg_stats WHERE schemaname = 'nowhere'
----
SELECT DISTINCT ON (1) a.attrelid::regclass::text, first_value(a.attname) OVER (PARTITION BY a.attrelid ORDER BY a.attnum) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 ORDER BY 1
----
SELECT pg_catalog.shobj_description(d.oid, 'pg_database') FROM pg_catalog.pg_database d WHERE d.datname = current_database()
----
SELECT castsource::regtype::text, casttarget::regtype::text, castcontext FROM pg_cast WHERE castsource = 'int4'::regtype AND casttarget IN ('int8'::regtype, 'float8'::regtype, 'bool'::regtype) ORDER BY 2
----
SELECT oprname, oprleft::regtype::text, oprresult::regtype::text FROM pg_operator WHERE oprname = '||' AND oprleft = 'text'::regtype AND oprright = 'text'::regtype
----
SELECT row_to_json(row(relname, relkind)) FROM pg_class WHERE relname = 'orders'
----
SELECT json_agg(c ORDER BY c.relname) FROM (SELECT relname, relkind, reltuples > 5 AS many, NULL::int AS none FROM pg_class WHERE relname IN ('orders', 'customers')) c
----
SELECT jsonb_agg(c), to_jsonb(c.relname::text), to_json(c) FROM (SELECT relname, ARRAY[relkind] AS kinds FROM pg_class WHERE relname = 'orders') c GROUP BY c.relname, c.*, c.kinds
----
SELECT json_build_object('row', c, 'n', 1) FROM (SELECT relname, oid IS NOT NULL AS there FROM pg_class WHERE relname = 'orders') c
