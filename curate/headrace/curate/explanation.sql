-- Why an episode is or is no duplicate.

-- name: facts
select
    e.project, e.episode_id, e.resolution as outcome, d.kept, d.reason, d.because_of, d.similarity,
    c.cluster_id, c.rank, round(1 / c.weight)::bigint as size,
    u.request, u.asked, u.skeleton, u.transcript, a."text" as said, s."text" as steps,
    coalesce(r.cluster_id, u.request) as request_dup,
    coalesce(t.cluster_id, u.transcript) as transcript_dup
from current_episodes e
left join decisions d
    on d.project = e.project and d.episode_id = e.episode_id and d.step = 'dedupe'
left join clusters c
    on c.project = e.project and c.episode_id = e.episode_id and c.method = 'duplicate'
left join episode_units u on u.project = e.project and u.episode_id = e.episode_id
left join text_units a on a.project = e.project and a.unit_id = u.asked
left join text_units s on s.project = e.project and s.unit_id = u.skeleton
left join unit_clusters r
    on r.project = e.project and r.method = 'dup' and r.unit_id = u.request
left join unit_clusters t
    on t.project = e.project and t.method = 'dup' and t.unit_id = u.transcript
where e.episode_id = $episode
order by e.project;

-- name: ties
-- The edges within a cluster of units.
with member as (
    select $cluster::bigint as unit_id
    union
    select unit_id from unit_clusters
    where project = $project and method = 'dup' and cluster_id = $cluster
)
select a, b, max(score) as score from edges
where project = $project and score >= $least
    and a in (select unit_id from member) and b in (select unit_id from member)
group by a, b
order by a, b;

-- name: relatives
-- Others that ask nearly the same, or say nearly the same, and are not in its cluster.
with own as (
    select c.cluster_id from clusters c
    where c.project = $project and c.method = 'near' and c.episode_id = $episode
)
select e.resolution as outcome, count(*) as episodes, max(e.episode_id) as example
from clusters n
join current_episodes e on e.project = $project and e.episode_id = n.episode_id
left join clusters d
    on d.project = $project and d.method = 'duplicate' and d.episode_id = n.episode_id
where n.project = $project and n.method = 'near' and n.cluster_id in (select cluster_id from own)
    and n.episode_id <> $episode and d.cluster_id is distinct from $duplicate
group by e.resolution
order by episodes desc, e.resolution;
