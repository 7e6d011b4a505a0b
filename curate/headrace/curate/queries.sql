-- Statements of the curate room.

-- name: conversations
select e.*, coalesce(d.kept, true) as representative
from current_episodes e
left join decisions d
    on d.project = e.project and d.episode_id = e.episode_id and d.step = 'dedupe'
where e.project = $project
order by e.started_at nulls last, e.episode_id;

-- name: message_bodies
select hash, body from messages
where hash in (
    select unnest(messages) from current_episodes where project = $project
);

-- name: projects
select distinct project from (
    select project from episodes union all select project from spans
    union all select project from outcomes
) order by project;
