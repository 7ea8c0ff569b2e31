SELECT db.oid,db.* FROM pg_catalog.pg_database db WHERE datallowconn AND NOT datistemplate AND datname = 'nothing' ORDER BY db.datname
----
select * from pg_catalog.pg_settings where name='standard_conforming_strings'
----
select string_agg(word, ',') from pg_catalog.pg_get_keywords() where word <> ALL (ARRAY['abs','absolute','action','add','all','alter','and','any','as','asc'])
----
SELECT current_schema(),session_user
----
SELECT n.oid,n.*,d.description FROM pg_catalog.pg_namespace n
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=n.oid AND d.objsubid=0 AND d.classoid='pg_namespace'::regclass
WHERE n.nspname = 'public'
ORDER BY nspname
----
SELECT c.oid,c.relname,c.relkind,c.relhasindex,c.relpersistence,d.description,pg_catalog.pg_get_expr(c.relpartbound, c.oid) as partition_expr, pg_catalog.pg_get_partkeydef(c.oid) as partition_key
FROM pg_catalog.pg_class c
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_class'::regclass
WHERE c.relnamespace='public'::regnamespace AND c.relkind not in ('i','I','c')
----
SELECT c.relname,a.*,pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value,dsc.description,dep.objid
FROM pg_catalog.pg_attribute a
INNER JOIN pg_catalog.pg_class c ON (a.attrelid=c.oid)
LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid=ad.adrelid AND a.attnum = ad.adnum)
LEFT OUTER JOIN pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND a.attnum = dsc.objsubid)
LEFT OUTER JOIN pg_depend dep on dep.refobjid = a.attrelid AND dep.deptype = 'i' and dep.refobjsubid = a.attnum and dep.classid = dep.refclassid
WHERE NOT a.attisdropped AND c.oid='public.customers'::regclass ORDER BY a.attnum
----
SELECT c.oid,c.conname,c.contype,c.condeferrable,c.condeferred,c.convalidated,c.conrelid,c.confrelid,c.confupdtype,c.confdeltype,c.confmatchtype,c.conkey,c.confkey,t.relname as tabrelname,rt.relnamespace as refnamespace,d.description, case when c.contype='c' then substring(pg_get_constraintdef(c.oid), 7) else null end consrc_copy
FROM pg_catalog.pg_constraint c
INNER JOIN pg_catalog.pg_class t ON t.oid=c.conrelid
LEFT OUTER JOIN pg_catalog.pg_class rt ON rt.oid=c.confrelid
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_constraint'::regclass
WHERE c.conrelid='public.orders'::regclass
ORDER BY c.conname
----
SELECT i.indisprimary,i.indisunique,i.indkey,i.indexrelid,c.relname,pg_catalog.pg_get_expr(i.indpred, i.indrelid) as pred_expr,pg_catalog.pg_get_expr(i.indexprs, i.indrelid, true) as expr,am.amname
FROM pg_catalog.pg_index i
INNER JOIN pg_catalog.pg_class c ON c.oid=i.indexrelid
LEFT OUTER JOIN pg_catalog.pg_am am ON am.oid=c.relam
WHERE i.indrelid='public.orders'::regclass ORDER BY c.relname
----
SELECT pg_catalog.pg_get_viewdef('public.spending'::regclass, true)
----
SELECT x.oid,x.* FROM pg_catalog.pg_event_trigger x ORDER BY x.oid
----
SELECT e.oid, cfg.tbls, n.nspname as schema_name, e.extname FROM pg_catalog.pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace LEFT JOIN (SELECT ARRAY_AGG(ns.nspname || '.' || cls.relname) tbls, oid_ext FROM (SELECT UNNEST(e1.extconfig) oid, e1.oid oid_ext FROM pg_catalog.pg_extension e1) c JOIN pg_class cls ON cls.oid = c.oid JOIN pg_namespace ns ON ns.oid = cls.relnamespace GROUP BY oid_ext) cfg ON cfg.oid_ext = e.oid WHERE e.extname <> 'plpgsql' ORDER BY e.oid
----
SELECT a.oid,a.* FROM pg_catalog.pg_roles a WHERE a.rolname = 'nobody' ORDER BY a.rolname
----
SELECT DISTINCT dep.deptype, dep.classid, cl.relkind, attr.attname,pg_get_expr(ad.adbin, ad.adrelid) adefval,
CASE WHEN cl.relkind IS NOT NULL THEN cl.relkind::text || COALESCE(dep.objsubid::text, '')
WHEN tg.oid IS NOT NULL THEN 'T'::text
WHEN ty.oid IS NOT NULL THEN 'y'::text
WHEN ns.oid IS NOT NULL THEN 'n'::text
WHEN pr.oid IS NOT NULL THEN 'p'::text
WHEN la.oid IS NOT NULL THEN 'l'::text
WHEN rw.oid IS NOT NULL THEN 'R'::text
WHEN co.oid IS NOT NULL THEN 'C'::text || contype::text
WHEN ad.oid IS NOT NULL THEN 'A'::text ELSE '' END AS type,
COALESCE(coc.relname, clrw.relname) AS ownertable,
COALESCE(cl.relname || '.' || attr.attname, cl.relname, conname, proname, tgname, typname, lanname, rulename, ns.nspname) AS refname
FROM pg_depend dep
LEFT JOIN pg_class cl ON dep.objid=cl.oid
LEFT JOIN pg_attribute attr ON dep.objid=attr.attrelid AND dep.objsubid=attr.attnum
LEFT JOIN pg_proc pr on dep.objid=pr.oid
LEFT JOIN pg_trigger tg ON dep.objid=tg.oid
LEFT JOIN pg_type ty on dep.objid=ty.oid
LEFT JOIN pg_namespace ns on dep.objid=ns.oid
LEFT JOIN pg_constraint co on dep.objid=co.oid
LEFT JOIN pg_class coc ON coc.oid=co.conrelid
LEFT JOIN pg_rewrite rw ON rw.oid=dep.objid
LEFT JOIN pg_class clrw ON clrw.oid=rw.ev_class
LEFT JOIN pg_language la ON dep.objid=la.oid
LEFT JOIN pg_attrdef ad ON ad.oid=dep.objid
WHERE dep.refobjid='public.customers'::regclass AND dep.refobjsubid = 0 AND dep.deptype = 'n'
ORDER BY classid, cl.relkind
