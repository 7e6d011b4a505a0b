-- Statements of the console room.

-- name: projects
select
    p.project,
    (select count(*) from spans s where s.project = p.project) as spans,
    count(e.episode_id) as episodes,
    count(e.episode_id) filter (e.resolution = 'success') as success,
    count(e.episode_id) filter (e.resolution = 'failure') as failure,
    count(e.episode_id) filter (e.resolution = 'pending') as pending,
    count(e.episode_id) filter (e.resolution = 'conflicting') as conflicting,
    count(e.episode_id) filter (e.resolution = 'unmarked') as unmarked
from (
    select distinct project from spans union select distinct project from episodes
    union select distinct project from outcomes
) p
left join current_episodes e on e.project = p.project
where $project is null or p.project = $project
group by p.project order by p.project;

-- name: known_projects
select distinct project from (
    select project from spans union all select project from episodes
    union all select project from outcomes union all select project from runs
) order by project;

-- name: last_night
select night_id, ended_at, until, status from nights order by ended_at desc limit 1;

-- name: last_verdicts
select project, state, "at", expires_at from verdicts
where $project is null or project = $project
qualify row_number() over (partition by project, kind order by "at" desc, verdict_id) = 1
order by project;

-- name: data_sets
select project, name, objective, version, rows, "at" from datasets
where $project is null or project = $project
qualify row_number() over (partition by project, name order by "at" desc) = 1
order by project, name;

-- name: dead_letters
select signal, reason, count(*) as bodies, min(received_at) as first, max(received_at) as last
from dead_letters
group by all order by bodies desc, reason;

-- name: secrets
select split_part(defect, ':', 2) as kind, what, count(*) as found
from (
    select 'spans' as what, unnest(defects) as defect from spans
    union all
    select 'episodes' as what, unnest(defects) as defect from current_episodes where len(span_ids) = 0
)
where starts_with(defect, 'secret_removed:')
group by all order by found desc, kind, what;

-- name: without_content
select project, service, count(*) as calls,
    count(*) filter (len(input) = 0 and len(output) = 0) as empty
from spans where kind = 'llm'
group by all having empty > 0 order by empty desc, project, service;

-- name: tasks
select
    count(distinct (metadata->>'$.task')) as tasks,
    count(*) as episodes,
    count(*) filter (resolution = 'success') as success,
    count(*) filter (resolution = 'pending') as pending
from current_episodes where project = $project and parent_episode_id is null;

-- name: tasks_with_both
select count(*) as tasks from (
    select (metadata->>'$.task') as task from current_episodes
    where project = $project and parent_episode_id is null and (metadata->>'$.task') is not null
    group by task having count(distinct resolution) filter (resolution in ('success', 'failure')) = 2
);

-- name: arrived
select
    (select count(*) from spans where project = $project) as spans,
    (select count(distinct trace_id) from spans where project = $project) as traces,
    (select count(*) from outcomes where project = $project) as outcomes;
