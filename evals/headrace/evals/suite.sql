-- Statements for cases, suites, runs and scores.

-- name: eval_candidates
-- Root episodes in the eval split, newest first within their request.
select r.cluster_id as request, g.cluster_id as cluster, e.episode_id, e.resolution
from current_episodes e
join clusters r on r.project = e.project and r.episode_id = e.episode_id and r.method = 'request'
join clusters g on g.project = e.project and g.episode_id = e.episode_id and g.method = 'group'
join splits s on s.project = e.project and s.group_id = g.cluster_id and s.split = 'eval'
where e.project = $project and e.parent_episode_id is null
order by r.cluster_id, coalesce(e.ended_at, e.started_at) desc nulls last, e.episode_id desc;

-- name: corrections
-- What people said should have been said, oldest first; only about the episodes named.
with said as (
    select o.*, s.span_id as response_span
    from outcomes o
    left join spans s
        on o.target_kind = 'response' and s.project = o.project and s.response_id = o.target_id
    where o.project = $project and o.correction is not null and o.source in ('human', 'user')
)
select e.episode_id, said.correction
from current_episodes e
join said on
    (said.target_kind = 'episode' and said.target_id = e.episode_id)
    or (said.target_kind = 'trace' and list_contains(e.trace_ids, said.target_id))
    or (said.target_kind = 'span' and list_contains(e.span_ids, said.target_id))
    or (said.target_kind = 'response' and list_contains(e.span_ids, said.response_span))
    or (said.target_kind = 'conversation' and said.target_id = e.conversation_id)
    or (said.target_kind = 'external'
        and said.target_id = json_extract_string(e.metadata, '$.external_id'))
where e.project = $project and e.episode_id in (select unnest($episodes))
order by said."at", said.outcome_id;

-- name: origins
select episode_id, messages, trainable, tools, metadata
from current_episodes
where project = $project and episode_id in (select unnest($episodes));

-- name: origin_bodies
select hash, body from messages
where hash in (
    select unnest(messages) from current_episodes
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
select run_id from runs
where project = $project and suite = $suite and starts_with(run_id, $prefix);

-- name: production_episodes
-- Every root episode of a case's request, once: after a merge of requests it counts for the case
-- that still stands. A retired case keeps what happened before it was retired.
select e.release, c.case_id, e.episode_id, e.resolution, e.started_at,
    e.input_tokens, e.output_tokens, e.latency_ms, e.cost_usd
from cases c
join clusters o on o.project = c.project and o.method = 'request'
    and o.episode_id = c.origin_episode_id
join clusters m on m.project = c.project and m.method = 'request' and m.cluster_id = o.cluster_id
join current_episodes e on e.project = c.project and e.episode_id = m.episode_id
where c.project = $project and c.suite = $suite
    and e.parent_episode_id is null and e.release is not null
    and (c.retired_at is null or e.started_at < c.retired_at)
qualify row_number() over (
    partition by e.episode_id order by c.retired_at nulls first, c.added_at, c.case_id
) = 1
order by e.release, c.case_id, e.started_at nulls last, e.episode_id;
