-- Traffic by intent.

-- name: traffic
-- Root episodes by window, counted back from the last one. The intent is what the product calls it,
-- else its cluster, else other. What no night has seen is not counted: it would all be other.
with asked as (
    select e.project, coalesce(e.ended_at, e.started_at, e."at") as "at",
        coalesce(nullif(e.metadata ->> '$.intent', ''), k.cluster_id, 'other') as intent
    from current_episodes e
    left join clusters k
        on k.project = $project and k.episode_id = e.episode_id and k.method = 'intent'
    where e.project = $project and e.parent_episode_id is null
        and e.episode_id in (select episode_id from scrubbed where project = $project)
),
ended as ( -- not `over ()`: under load DuckDB 1.5 loses its state over it (duckdb/duckdb#22352)
    select *, coalesce($until::timestamptz, max("at") over (partition by project)) as until
    from asked
),
dated as (
    select intent, floor((epoch(until) - epoch("at")) / epoch($window::interval))::int as back
    from ended where "at" <= until
)
select d.intent, coalesce(any_value(i.name), d.intent) as name, d.back, count(*) as episodes
from dated d left join intents i on i.project = $project and i.intent_id = d.intent
where d.back < $windows
group by d.intent, d.back
order by d.intent, d.back
