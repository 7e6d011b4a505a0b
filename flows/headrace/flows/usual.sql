-- What nights have counted.

-- name: nights_before
select (line ->> '$.seen')::bigint as seen, (line -> '$.notes')::varchar as notes
from (
    select ended_at, unnest(summary::json[]) as line from nights
)
where (line ->> '$.project') = $project and (line ->> '$.step') = $step
    and (line ->> '$.state') = 'done' and (line ->> '$.seen')::bigint > 0
order by ended_at desc
limit $nights;
