-- Statements about what production asks for, in episodes without personal data alone. The intent of an episode is what the product calls it
-- (metadata `intent`), else its cluster by the method `intent`, else its group: the same request.
-- `$project` stands at every table: held equal to each other's alone, two tables may be joined on
-- nothing but the project.

-- name: candidates
-- Root episodes in the eval split, newest first within their request.
select r.cluster_id as request, g.cluster_id as cluster,
    coalesce(nullif(e.metadata ->> '$.intent', ''), i.cluster_id, g.cluster_id) as intent,
    e.episode_id, e.resolution, list_contains(e.trainable, true) as asks,
    (e.metadata -> '$.reference') is not null as referenced
from scrubbed_episodes e
join clusters r on r.project = $project and r.episode_id = e.episode_id and r.method = 'request'
join clusters g on g.project = $project and g.episode_id = e.episode_id and g.method = 'group'
join splits s on s.project = $project and s.group_id = g.cluster_id and s.split = 'eval'
left join clusters i
    on i.project = $project and i.episode_id = e.episode_id and i.method = 'intent'
where e.project = $project and e.parent_episode_id is null
order by r.cluster_id, coalesce(e.ended_at, e.started_at) desc nulls last, e.episode_id desc;

-- name: intents
-- Every intent with its traffic in the last days before the newest episode of the lake.
with asked as (
    select e.episode_id, e.request, coalesce(e.ended_at, e.started_at, e."at") as "at",
        r.cluster_id as cluster, e.project,
        coalesce(nullif(e.metadata ->> '$.intent', ''), i.cluster_id, g.cluster_id) as intent,
        coalesce(nullif(e.metadata ->> '$.intent', ''), i.cluster_id) is not null as named
    from scrubbed_episodes e
    join clusters r on r.project = $project and r.episode_id = e.episode_id and r.method = 'request'
    join clusters g on g.project = $project and g.episode_id = e.episode_id and g.method = 'group'
    left join clusters i
        on i.project = $project and i.episode_id = e.episode_id and i.method = 'intent'
    where e.project = $project and e.parent_episode_id is null
),
dated as ( -- not `over ()`: under load DuckDB 1.5 loses its state over it (duckdb/duckdb#22352)
    select *, max("at") over (partition by project) as until from asked
)
select intent, bool_or(named) as named, any_value(until) as until,
    count(*) filter ("at" > until - to_days($days)) as episodes,
    count(distinct cluster) filter ("at" > until - to_days($days)) as requests,
    max_by(episode_id, {'at': "at", 'id': episode_id}) as newest,
    max_by(coalesce(request, ''), {'at': "at", 'id': episode_id}) as said
from dated
group by intent
order by episodes desc, intent;

-- name: intents_of_requests
-- The intent of each request named: that of its newest episode.
select r.cluster_id as request,
    max_by(
        coalesce(nullif(e.metadata ->> '$.intent', ''), i.cluster_id, g.cluster_id),
        {'at': coalesce(e.ended_at, e.started_at, e."at"), 'id': e.episode_id}
    ) as intent
from scrubbed_episodes e
join clusters r on r.project = $project and r.episode_id = e.episode_id and r.method = 'request'
join clusters g on g.project = $project and g.episode_id = e.episode_id and g.method = 'group'
left join clusters i
    on i.project = $project and i.episode_id = e.episode_id and i.method = 'intent'
where e.project = $project and e.parent_episode_id is null
    and r.cluster_id in (select unnest($requests::varchar[]))
group by r.cluster_id;

-- name: requests_of_episodes
select episode_id, cluster_id as request from clusters
where project = $project and method = 'request'
    and episode_id in (select unnest($episodes::varchar[]));
