-- Statements for releases: those that are seen, those that stand, those that go.

-- name: seen_releases
-- Per release what its first episodes say that costs little, and the rows where the rest is told.
with latest as (
    select episode_id, max(revision) as revision from episodes
    where project = $project group by episode_id
),
seen as (
    select
        e.release, e.model, e.rowid as place, e.tools is not null as tooled,
        coalesce(e.started_at, e.at) as "at",
        {'at': coalesce(e.started_at, e.at), 'id': e.episode_id} as turn
    from episodes e
    join latest l on l.episode_id = e.episode_id and l.revision = e.revision
    where e.project = $project and e.release is not null and not e.superseded
)
select
    release, min("at") as "at", arg_min(model, turn) as model,
    arg_min(place, turn) as opened, arg_min(place, turn) filter (tooled) as tooled
from seen
group by release
order by release;

-- name: told_by_rows
-- What is long is read of these episodes alone: a function of the row number is looked at first.
with told as materialized (
    select rowid as place, messages[1] as opening, tools::varchar as tools, project, episode_id,
        revision
    from episodes
    where list_contains($places::bigint[], rowid)
),
prompts as (
    select hash from messages
    where role = 'system' and hash in (select opening from told)
    union -- of one whose raw texts are gone
    select t.opening
    from told t
    join scrubbed s
        on s.project = t.project and s.episode_id = t.episode_id and s.revision = t.revision
    join scrubbed_messages m on m.hash = s.messages[1]
    where m.role = 'system'
)
select t.place, t.tools, p.hash as prompt_hash
from told t left join prompts p on p.hash = t.opening;

-- name: first_prompts
-- Of releases whose first episode opens with no prompt.
with openings as (
    select
        episode_id, revision, release, superseded, messages[1] as opening,
        {'at': coalesce(started_at, "at"), 'id': episode_id} as turn
    from episodes
    where project = $project
    qualify revision = max(revision) over (partition by episode_id)
),
seen as (
    select * from openings
    where not superseded and release in (select unnest($releases::varchar[]))
),
prompts as (
    select hash from messages where role = 'system' and hash in (select opening from seen)
    union
    select e.opening
    from seen e
    join scrubbed s
        on s.project = $project and s.episode_id = e.episode_id and s.revision = e.revision
    join scrubbed_messages m on m.hash = s.messages[1]
    where m.role = 'system'
)
select release, arg_min(opening, turn) as prompt_hash from seen
where opening in (select hash from prompts)
group by release;

-- name: standing_releases
select * from releases where project = $project;

-- name: renamed_releases
-- A hash stands for a release until the span comes that tells its name.
select release from releases r
where project = $project and kind = 'observed' and starts_with(release, 'h:')
    and not exists (
        from current_episodes e where e.project = r.project and e.release = r.release
    )
    and not exists (from runs u where u.project = r.project and u.release = r.release);

-- name: gone_releases
delete from releases where project = $project and release in (select unnest($names::varchar[]));
