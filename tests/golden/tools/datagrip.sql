select current_database() is not null as a, current_schemas(false) as b
----
select N.oid::bigint as id, N.nspname as name, D.description, pg_catalog.pg_get_userbyid(N.nspowner) is not null as owned
from pg_catalog.pg_namespace N
  left join pg_catalog.pg_description D on N.oid = D.objoid
where N.nspname in ('public', 'pg_catalog')
order by case when nspname = pg_catalog.current_schema() then -1::bigint else N.oid::bigint end
----
select T.relkind as table_kind, T.relname as table_name, T.oid as table_id, T.relhasindex,
       T.relpersistence = 'u' as unlogged,
       pg_catalog.array_to_string(T.reloptions, ',') as options,
       pg_catalog.array_to_string((select pg_catalog.array_agg(inhparent) from pg_catalog.pg_inherits where inhrelid = T.oid), ',') as ancestors,
       T.relispartition as is_partition
from pg_catalog.pg_class T
where relnamespace = 'public'::regnamespace and relkind in ('r', 'm', 'v', 'f', 'p')
order by table_kind, table_id
----
with T as ( select distinct T.oid as table_id, T.relname as table_name
            from pg_catalog.pg_class T, pg_catalog.pg_attribute A
            where T.relnamespace = 'public'::regnamespace
              and T.relkind in ('r', 'm', 'v', 'f', 'p')
              and A.attrelid = T.oid )
select T.table_id, C.attnum as column_position, C.attname as column_name, C.atttypmod as type_mod,
       C.attndims as dimensions_number, pg_catalog.format_type(C.atttypid, C.atttypmod) as type_spec,
       C.atttypid as type_id, C.attnotnull as mandatory,
       pg_catalog.pg_get_expr(D.adbin, T.table_id) as column_default_expression,
       not C.attislocal as column_is_inherited, C.attfdwoptions as options, C.attisdropped as column_is_dropped,
       C.attidentity as identity_kind, C.attgenerated as generated
from T inner join pg_catalog.pg_attribute C on T.table_id = C.attrelid
       left join pg_catalog.pg_attrdef D on (C.attrelid, C.attnum) = (D.adrelid, D.adnum)
where attnum > 0
order by table_id, attnum
----
select ind_head.indexrelid index_id, k col_idx, k <= indnkeyatts in_key, ind_head.indkey[k-1] column_position,
       ind_head.indoption[k-1] column_options, ind_head.indcollation[k-1] as collation,
       case when indexprs is null then null
            when ind_head.indkey[k-1] = 0 then chr(27) || pg_get_indexdef(ind_head.indexrelid, k::int, true)
            else pg_get_indexdef(ind_head.indexrelid, k::int, true)
       end as expression, amname
from pg_catalog.pg_index ind_head
  join pg_catalog.pg_class ind_stor on ind_stor.oid = ind_head.indexrelid
  join pg_catalog.pg_am on pg_am.oid = ind_stor.relam
  cross join unnest(ind_head.indkey) with ordinality u(u, k)
where ind_stor.relnamespace = 'public'::regnamespace and ind_stor.relkind = 'i'
order by ind_stor.relname, k
----
select T.oid table_id, T.relkind table_kind, C.oid::bigint con_id, C.conname con_name, C.contype con_kind, C.conkey con_columns,
       C.conindid index_id, C.confrelid ref_table_id, C.condeferrable is_deferrable, C.condeferred is_init_deferred,
       C.confupdtype on_update, C.confdeltype on_delete, C.connoinherit no_inherit,
       pg_catalog.pg_get_expr(conbin, T.oid) con_expression, C.confkey ref_columns, C.conexclop::int[] excl_operators,
       array(select unnest::regoper::varchar from unnest(C.conexclop)) excl_operators_str
from pg_catalog.pg_constraint C
     join pg_catalog.pg_class T on C.conrelid = T.oid
where T.relkind in ('r', 'v', 'f', 'p') and relnamespace = 'public'::regnamespace and contype in ('p', 'u', 'f', 'c', 'x')
order by con_name
----
select D.objoid id, case when 'pg_class'::regclass = classoid then 'C' when 'pg_type'::regclass = classoid then 'T' end kind, D.objsubid sub_id, D.description
from pg_catalog.pg_description D join pg_catalog.pg_class C on D.objoid = C.oid
where C.relnamespace = 'public'::regnamespace and C.relkind not in ('i', 'I')
order by D.objoid, D.objsubid
----
select T.oid as id, T.typname as name, T.typtype as kind, T.typcategory as category, T.typelem as element, T.typnotnull
from pg_catalog.pg_type T
where T.typnamespace = 'pg_catalog'::regnamespace and T.typtype in ('d','e') order by 1
----
select seqrelid as sequence_id, seqtypid::regtype::text as data_type, seqstart, seqincrement, seqmin, seqmax, seqcache, seqcycle
from pg_catalog.pg_sequence S join pg_catalog.pg_class C on C.oid = S.seqrelid
where C.relnamespace = 'public'::regnamespace order by C.relname
----
select pg_catalog.pg_is_in_recovery(), pg_catalog.txid_current() > 0 as current_txid
