-- Statements of the sidecar: what is known of an episode, a trace and the wheel.

-- name: episodes
with latest as (
    select * from episodes
    where $project::varchar is null or project = $project
    qualify row_number() over (partition by project, episode_id order by revision desc) = 1
)
select
    e.*, coalesce(r.resolution, 'pending') as resolution, r.success, r.score, r.resolved_by
from latest e
left join resolutions r on r.project = e.project and r.episode_id = e.episode_id
where ($episode_id::varchar is null or e.episode_id = $episode_id)
    and ($trace_id::varchar is null or list_contains(e.trace_ids, $trace_id))
order by e.project, e.started_at nulls last, e.episode_id;

-- name: message_bodies
select hash, body from messages where hash in (select unnest($hashes::varchar[]));

-- name: retired_at
-- When the raw texts of an episode went.
select max("at") as "at" from retired
where project = $project and kind = 'episode' and key = $episode_id and revision >= $revision;

-- name: scrubbed_messages
-- What an episode says without personal data.
select m.body
from (
    select unnest(messages) as hash, generate_subscripts(messages, 1) as place from scrubbed
    where project = $project and episode_id = $episode_id and revision = $revision
) s
join scrubbed_messages m on m.hash = s.hash
order by s.place;

-- name: outcomes_of_episode
-- A mark on a span that is no LLM call stands for the calls under it, down to the next tool: from
-- an episode's calls such spans lie upwards. What stands for the caller is inherited.
with recursive near as (
    select trace_id, span_id, parent_span_id, kind, response_id from spans
    where project = $project and list_contains($trace_ids::varchar[], trace_id)
),
calls as (
    select * from near where kind = 'llm' and list_contains($span_ids::varchar[], span_id)
),
above as (
    select * from calls
    union
    select n.*
    from above a join near n on n.trace_id = a.trace_id and n.span_id = a.parent_span_id
    where a.kind <> 'tool' and n.kind <> 'llm'
)
select
    o.outcome_id, o.target_kind, o.target_id, o.name, o.success, o.score, o.label, o.comment,
    o.correction, o.source, o.author, o."at",
    $parent_episode_id::varchar is not null
        and o.target_kind in ('trace', 'conversation', 'external') as inherited
from outcomes o
where o.project = $project and (
    (o.target_kind = 'episode' and o.target_id = $episode_id)
    or (o.target_kind = 'conversation' and o.target_id = $conversation_id)
    or (o.target_kind = 'external' and list_contains($external_ids::varchar[], o.target_id))
    or (o.target_kind = 'trace' and list_contains($trace_ids::varchar[], o.target_id))
    or (o.target_kind = 'span' and o.target_id in (select span_id from above))
    or (o.target_kind = 'response' and o.target_id in (select response_id from calls))
)
order by o."at", o.outcome_id;

-- name: outcomes_of_trace
select
    o.project, o.outcome_id, o.target_kind, o.target_id, o.name, o.success, o.score, o.label,
    o.comment, o.correction, o.source, o.author, o."at"
from outcomes o
where ($project::varchar is null or o.project = $project)
    and ((o.target_kind = 'trace' and o.target_id = $trace_id)
    or (o.target_kind = 'span' and o.target_id in (
        select s.span_id from spans s where s.trace_id = $trace_id and s.project = o.project
    ))
    or (o.target_kind = 'response' and o.target_id in (
        select s.response_id from spans s where s.trace_id = $trace_id and s.project = o.project
    )))
order by o."at", o.outcome_id;

-- name: decisions_of_episode
select step, version, kept, reason, because_of, similarity, "at" from decisions
where project = $project and episode_id = $episode_id
order by "at", step;

-- name: spans_of_trace
select
    project, span_id, parent_span_id, kind, name, started_at, ended_at, status, error, model,
    convention, input_tokens, output_tokens, finish_reason, defects
from spans
where trace_id = $trace_id and ($project::varchar is null or project = $project)
order by started_at nulls last, span_id;

-- name: changes
select snapshot_id, changes_made
from __ducklake_metadata_lake.ducklake_snapshot_changes
where snapshot_id > $seen;

-- name: tables
select table_id, table_name from __ducklake_metadata_lake.ducklake_table
where end_snapshot is null;

-- name: count_spans
select count(*) as n from spans where $project::varchar is null or project = $project;

-- name: count_outcomes
select count(*) as n from outcomes where $project::varchar is null or project = $project;

-- name: count_dead_letters
select count(*) as n from dead_letters where $project::varchar is null or project = $project;

-- name: count_episodes
-- As many as `current_episodes` has, without its window over all keys: every episode has one
-- first revision, and few are superseded.
with mine as (
    select project, episode_id, revision, superseded from episodes
    where $project::varchar is null or project = $project
), left_out as (
    select project, episode_id, max(revision) as revision from mine
    where superseded
    group by project, episode_id
)
select
    (select count(*) from mine where revision = 1)
    - (select count(*) from left_out)
    + (
        select count(distinct (m.project, m.episode_id))
        from mine m
        join left_out l on l.project = m.project and l.episode_id = m.episode_id
        where m.revision > l.revision
    ) as n;

-- name: last_night
select night_id, status, started_at, ended_at, until from nights
order by started_at desc, night_id limit 1;

-- name: last_verdict
select project, verdict_id, kind, state, "at", expires_at from verdicts
where $project::varchar is null or project = $project
order by "at" desc, verdict_id limit 1;
