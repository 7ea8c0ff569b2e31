{{ config(materialized='table', indexes=[{'columns': ['station'], 'unique': true}]) }}
select station, slope from {{ ref('slopes') }} where slope is not null
