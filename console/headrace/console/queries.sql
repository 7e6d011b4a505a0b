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

-- name: releases
-- The latest releases of each project and what their episodes and calls took; null where nothing
-- was measured. One without episodes was given with scores. A sub-agent's conversation costs and
-- takes time as any other, but whether it went well is told of the root alone.
with met as (
    select project, release, min(coalesce(started_at, "at")) as first_at, count(*) as episodes,
        count(*) filter (parent_episode_id is null) as roots,
        count(*) filter (parent_episode_id is null and resolution = 'success') as success,
        count(*) filter (parent_episode_id is null and resolution = 'failure') as failure,
        count(*) filter (parent_episode_id is null and resolution = 'pending') as pending,
        count(cost_usd) as cost_n, sum(cost_usd) as cost_total,
        quantile_cont(cost_usd, 0.5) as cost_p50, quantile_cont(cost_usd, 0.95) as cost_p95,
        count(*) filter (list_contains(defects, 'cost_estimated')) as cost_estimated,
        count(latency_ms) as latency_n,
        quantile_cont(latency_ms, 0.5) as latency_p50,
        quantile_cont(latency_ms, 0.95) as latency_p95
    from current_episodes where $project is null or project = $project
    group by project, release
), named as (
    select project, release, min("at") as "at" from releases
    where $project is null or project = $project
    group by project, release
), listed as (
    select project, release, least(n."at", m.first_at) as first_seen,
        m.* exclude (project, release, first_at),
        count(*) over (partition by project) as releases
    from met m full join named n using (project, release)
    qualify row_number() over (
        partition by project order by first_seen desc nulls last, release nulls last
    ) <= $most
), held as (
    select e.project, e.release, e.trace_ids, unnest(e.span_ids) as span_id
    from current_episodes e
    semi join listed l on l.project = e.project and l.release is not distinct from e.release
), calls as ( -- once each, though two branches of a conversation share one
    select distinct h.project, h.release, s.trace_id, s.span_id, s.ttft_ms,
        case when s.ended_at >= s.started_at
            then date_diff('microsecond', s.started_at, s.ended_at) / 1000 end as ms
    from held h
    join spans s on s.project = h.project and s.span_id = h.span_id
        and list_contains(h.trace_ids, s.trace_id)
), took as (
    select project, release, count(ms) as call_n,
        quantile_cont(ms, 0.5) as call_p50, quantile_cont(ms, 0.95) as call_p95,
        count(ttft_ms) as ttft_n,
        quantile_cont(ttft_ms, 0.5) as ttft_p50, quantile_cont(ttft_ms, 0.95) as ttft_p95
    from calls group by project, release
)
select l.*, t.* exclude (project, release)
from listed l
left join took t on t.project = l.project and t.release is not distinct from l.release
order by l.project, l.first_seen desc nulls last, l.release nulls last;

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
-- Model calls by what instruments them, where some carry nothing, a placeholder, or an address. Log
-- records that are not joined yet may still bring their messages: those traces wait for a night. Where
-- two libraries tell one request, one may be silent.
with waiting as (
    select distinct l.project, l.trace_id
    from log_events l
    anti join joined_traces j on j.project = l.project and j.trace_id = l.trace_id
    where l.name in (select unnest($names::varchar[]))
),
answered as (
    select distinct project, trace_id, response_id from spans
    where kind = 'llm' and response_id is not null and (len(input) > 0 or len(output) > 0)
),
calls as (
    select
        s.project, s.service, s.scope, s.convention,
        list_contains(s.defects, 'content_elsewhere') as elsewhere,
        len(s.input) = 0 and len(s.output) = 0 and a.trace_id is null and not elsewhere as empty,
        s.error is not null or s.status is not distinct from 'error' as failed,
        list_contains(s.defects, 'content_hidden') and not empty and not elsewhere as hidden,
        nullif(regexp_extract(
            coalesce(
                s.attributes ->> '$."gen_ai.input.messages.ref"',
                s.attributes ->> '$."gen_ai.output.messages.ref"',
                s.attributes ->> '$."gen_ai.system_instructions.ref"',
                s.attributes ->> '$."gen_ai.tool.definitions.ref"'
            ),
            '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#]*@)?([^/?#]+)', 1
        ), '') as host
    from spans s
    anti join waiting w on w.project = s.project and w.trace_id = s.trace_id
    left join answered a
        on a.project = s.project and a.trace_id = s.trace_id and a.response_id = s.response_id
    where s.kind = 'llm'
)
select
    project, service, scope, count(*) as calls,
    coalesce(mode(convention) filter (empty or hidden), 'none') as convention,
    count(*) filter (empty) as empty, count(*) filter (empty and failed) as failed,
    count(*) filter (hidden) as hidden, count(*) filter (elsewhere) as elsewhere,
    coalesce(list_sort(list(distinct host) filter (elsewhere and host is not null)), []) as hosts
from calls
group by project, service, scope
having bool_or(empty or hidden or elsewhere)
order by project, service, scope;

-- name: agents_alone
-- Agents of which no trace has a model call, in services that have none at all.
with traces as (
    select project, trace_id from spans group by project, trace_id
    having not bool_or(kind = 'llm')
)
select
    s.project, s.service, s.scope, mode(s.convention) as convention, count(*) as agents,
    count(distinct s.trace_id) as traces
from spans s
left join traces t on t.project = s.project and t.trace_id = s.trace_id
where s.kind = 'agent' and not exists (
    select 1 from spans c
    where c.kind = 'llm' and c.project = s.project and c.service is not distinct from s.service
)
group by s.project, s.service, s.scope
having bool_and(t.trace_id is not null)
order by s.project, agents desc, s.service, s.scope;

-- name: defects
select split_part(defect, ':', 1) as name, sum(spans)::bigint as spans,
    sum(episodes)::bigint as episodes
from (
    select unnest(defects) as defect, 1 as spans, 0 as episodes from spans
    union all
    select unnest(defects) as defect, 0 as spans, 1 as episodes from current_episodes
)
group by 1;

-- name: completions_in_no_episode
select trace_id, span_id, started_at from spans
where project = $project and kind = 'llm' and len(output) > 0 and span_id not in (
    select unnest(span_ids) from current_episodes where project = $project
);

-- name: turns_of_episodes
select episode_id, revision, turns, len(span_ids) as calls from current_episodes
where project = $project order by abs(calls - turns) desc;

-- name: evaluations_without_target
select
    project, count(*) as events,
    array_to_string(list_sort(list_distinct(list(
        coalesce(attributes ->> '$."gen_ai.evaluation.name"', 'unnamed')
    )))[:5], ', ') as names
from log_events
where name = 'gen_ai.evaluation.result' and trace_id is null and span_id is null
    and coalesce(attributes ->> '$."gen_ai.response.id"', '') = ''
group by project order by project;

-- name: tasks
select
    count(distinct (metadata->>'$.task')) as tasks,
    count(*) as episodes,
    count(*) filter (resolution = 'success') as success,
    count(*) filter (resolution = 'failure') as failure,
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
