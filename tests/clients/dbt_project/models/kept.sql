{{ config(materialized='incremental', unique_key='station') }}
select station, slope * 2 as twice from {{ ref('steep') }}
