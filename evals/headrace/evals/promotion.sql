-- Statements for cases made of one episode.

-- name: named_episodes
-- Current episodes of this id, or of this trace, in any project; root episodes first.
select e.project, e.episode_id, e.parent_episode_id, e.resolution,
    list_contains(e.trainable, true) as asks, e.episode_id = $name as by_id,
    r.cluster_id as request, g.cluster_id as cluster, s.episode_id is not null as scrubbed
from current_episodes e
left join scrubbed s
    on s.project = e.project and s.episode_id = e.episode_id and s.revision = e.revision
left join clusters r
    on r.project = e.project and r.episode_id = e.episode_id and r.method = 'request'
left join clusters g
    on g.project = e.project and g.episode_id = e.episode_id and g.method = 'group'
where e.episode_id = $name or list_contains(e.trace_ids, $name)
order by e.parent_episode_id is not null, e.started_at nulls last, e.episode_id;

-- name: reinstate_cases
update cases set retired_at = null
where project = $project and suite = $suite and case_id in (select unnest($cases::varchar[]));
