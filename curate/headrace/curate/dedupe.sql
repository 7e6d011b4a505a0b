-- What tells duplicates apart, and where each is kept.

-- name: examples
-- A unit without a row in `unit_clusters` is a cluster of its own.
with clustered as (
    select method, unit_id, cluster_id from unit_clusters where project = $project
)
select
    e.episode_id, e.resolution, e.started_at, u.request, u.asked, u.skeleton, u.transcript,
    coalesce('rq_' || u.wording, 'rq_' || md5(e.episode_id)) as request_cluster,
    coalesce(n.cluster_id, u.asked) as near,
    coalesce(r.cluster_id, u.request) as request_dup,
    coalesce(t.cluster_id, u.transcript) as transcript_dup
from current_episodes e
join episode_units u
    on u.project = $project and u.episode_id = e.episode_id and u.revision = e.revision
left join clustered n on n.method = 'near' and n.unit_id = u.asked
left join clustered r on r.method = 'dup' and r.unit_id = u.request
left join clustered t on t.method = 'dup' and t.unit_id = u.transcript
where e.project = $project;

-- name: likeness
-- Of each unit the strongest tie to another that is as good as the same.
select unit_id, max(score) as score
from (
    select a as unit_id, score from edges where project = $project and score >= $least
    union all
    select b as unit_id, score from edges where project = $project and score >= $least
)
group by unit_id;
