{{ config(materialized='view') }}
select station, speed, grad(0.6 * power(speed, 3), speed) as slope from {{ ref('speeds') }}
