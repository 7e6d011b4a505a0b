-- Statements for cases, suites, runs and scores.

-- name: corrections
-- What people said should have been said, oldest first, about the root episodes named. A correction
-- reaches them as any mark does: see `marks_of_episodes` of the curate room.
with recursive said as (
    select outcome_id, target_kind, target_id, correction, "at" from outcomes
    where project = $project and correction is not null and source in ('human', 'user')
),
roots as (
    select * from current_episodes
    where project = $project and episode_id in (select unnest($episodes))
),
marked as (
    select s.trace_id, s.span_id, s.kind, o.outcome_id
    from said o join spans s on s.project = $project and s.span_id = o.target_id
    where o.target_kind = 'span'
    union
    select s.trace_id, s.span_id, s.kind, o.outcome_id
    from said o join spans s on s.project = $project and s.response_id = o.target_id
    where o.target_kind = 'response'
),
below as ( -- a span that is no LLM call stands for the calls under it, down to the next tool
    from marked
    union
    select s.trace_id, s.span_id, s.kind, b.outcome_id
    from below b join spans s
        on s.project = $project and s.trace_id = b.trace_id and s.parent_span_id = b.span_id
    where b.kind <> 'llm' and s.kind <> 'tool'
),
calls as (
    select episode_id, unnest(span_ids) as span_id, trace_ids from roots
),
known as ( -- every name by which a mark may call an episode
    select episode_id, 'episode' as kind, episode_id as name from roots
    union select episode_id, 'trace', unnest(trace_ids) from roots
    union select episode_id, 'conversation', conversation_id from roots
    union select episode_id, 'external', metadata ->> '$.external_id' from roots
    union select episode_id, 'external', unnest(metadata ->> '$.external_ids[*]') from roots
),
reached as (
    select c.episode_id, b.outcome_id
    from calls c join below b
        on b.span_id = c.span_id and list_contains(c.trace_ids, b.trace_id)
    where b.kind = 'llm'
    union
    select k.episode_id, o.outcome_id
    from known k join said o on o.target_kind = k.kind and o.target_id = k.name
)
select reached.episode_id, said.correction
from reached join said using (outcome_id)
order by said."at", said.outcome_id;

-- name: origins
select episode_id, messages, trainable, tools, metadata
from scrubbed_episodes
where project = $project and episode_id in (select unnest($episodes));

-- name: origin_bodies
select hash, body from scrubbed_messages
where hash in (
    select unnest(messages) from scrubbed_episodes
    where project = $project and episode_id in (select unnest($episodes))
);

-- name: cases
select * from cases where project = $project and suite = $suite
order by added_at, case_id;

-- name: suites
select suite, count(*) as cases from cases where project = $project group by suite order by suite;

-- name: retire_cases
update cases set retired_at = $now
where project = $project and suite = $suite and case_id in (select unnest($cases));

-- name: releases
select release from releases where project = $project;

-- name: runs
select * from runs where project = $project and run_id in (select unnest($runs));

-- name: scores
select * from scores where run_id in (select unnest($runs))
order by run_id, case_id, scorer, epoch;

-- name: forget_scores
delete from scores where run_id in (select unnest($runs));

-- name: forget_runs
delete from runs where project = $project and run_id in (select unnest($runs));

-- name: production_runs
-- What judged tells outcomes in production from every other run of the suite.
select run_id from runs
where project = $project and suite = $suite and judge_hash = $judge;

-- name: production_episodes
-- Every root episode of a case's request, once: after a merge of requests it counts for the case
-- that still stands. A retired case keeps what happened before it was retired.
with asked as (
    select c.case_id, c.added_at, c.retired_at,
        coalesce(o.cluster_id, c.request) as request
    from cases c
    left join clusters o on o.project = $project and o.method = 'request'
        and o.episode_id = c.origin_episode_id
    where c.project = $project and c.suite = $suite
)
select e.release, a.case_id, e.episode_id, e.resolution, e.started_at,
    e.input_tokens, e.output_tokens, e.latency_ms, e.cost_usd
from asked a
join clusters m on m.project = $project and m.method = 'request' and m.cluster_id = a.request
join current_episodes e on e.project = $project and e.episode_id = m.episode_id
where e.parent_episode_id is null and e.release is not null
    and (a.retired_at is null or e.started_at < a.retired_at)
qualify row_number() over (
    partition by e.episode_id order by a.retired_at nulls first, a.added_at, a.case_id
) = 1
order by e.release, a.case_id, e.started_at nulls last, e.episode_id;

-- name: projects
-- Projects with episodes or runs, but for one.
select project from episodes where project <> $project
union
select project from runs where project <> $project
order by project;
