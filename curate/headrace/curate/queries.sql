-- Statements of the curate room.

-- name: conversations
select e.*, coalesce(d.kept, true) as representative
from current_episodes e
left join decisions d
    on d.project = e.project and d.episode_id = e.episode_id and d.step = 'dedupe'
where e.project = $project
order by e.started_at nulls last, e.episode_id;

-- name: message_bodies
select hash, body from messages where hash in (select unnest($hashes::varchar[]));

-- name: projects
select distinct project from (
    select project from episodes union all select project from spans
    union all select project from outcomes
) order by project;

-- name: trace_marks
-- Per trace what its spans amount to: content may come late (a log record, a longer delivery).
with marks as (
    select
        trace_id, count(*) as spans, min(started_at) as started_at,
        list_sort(list_distinct(list(conversation_id))) as conversations,
        $version || ':' || count(*) || ':' || bit_xor(md5_number(concat_ws(
            '|', span_id, received_at, ended_at, conversation_id, tools_hash,
            array_to_string(output, ','), len(input)
        ))) as fingerprint
    from spans where project = $project
    group by trace_id
)
select m.*, m.fingerprint is distinct from a.fingerprint as changed
from marks m
left join assembled_traces a on a.project = $project and a.trace_id = m.trace_id
order by m.started_at nulls last, m.trace_id;

-- name: wide_episodes
select episode_id, trace_ids from current_episodes
where project = $project and len(span_ids) > 0 and len(trace_ids) > 1;

-- name: spans_of_traces
-- Raw attributes are most of a span: read where the product speaks in them.
select
    project, trace_id, span_id, parent_span_id, kind, name, received_at, started_at, ended_at,
    status, error, provider, model, release, service, conversation_id, user_id, agent, response_id,
    coalesce(input, []) as input, coalesce(output, []) as output, tools_hash, input_tokens,
    output_tokens, cached_tokens, cache_write_tokens, cost_usd, finish_reason,
    coalesce(defects, []) as defects,
    case
        when contains(attributes::varchar, '"headrace.') then attributes::varchar else '{}'
    end as attributes
from spans
where project = $project and trace_id in (select unnest($traces::varchar[]));

-- name: messages_of_traces
select hash, body from messages where hash in (
    select unnest(input || output) from spans
    where project = $project and trace_id in (select unnest($traces::varchar[]))
);

-- name: toolsets_of_traces
select hash, body from toolsets where hash in (
    select tools_hash from spans
    where project = $project and trace_id in (select unnest($traces::varchar[]))
);

-- name: episodes_of_traces
-- Posted and loaded episodes have no spans: assembly leaves them alone.
select * exclude (tools, metadata), tools::varchar as tools, metadata::varchar as metadata
from episodes
where project = $project and len(span_ids) > 0
    and list_has_any(trace_ids, $traces::varchar[])
qualify row_number() over (partition by episode_id order by revision desc) = 1;

-- name: seen_releases
with seen as (
    select
        e.project, e.release, e.model, e.tools::varchar as tools, m.hash as prompt_hash,
        coalesce(e.started_at, e.at) as "at", e.episode_id
    from current_episodes e
    left join messages m on m.hash = e.messages[1] and m.role = 'system'
    where e.project = $project and e.release is not null
)
select
    project, release, min("at") as "at",
    first(model order by "at", episode_id) filter (model is not null) as model,
    first(prompt_hash order by "at", episode_id) filter (prompt_hash is not null) as prompt_hash,
    first(tools order by "at", episode_id) filter (tools is not null) as tools
from seen
group by project, release
order by release;

-- name: standing_releases
select * from releases where project = $project;

-- name: standing_decisions
select * from decisions where project = $project and step = $step;

-- name: gone_decisions
delete from decisions
where project = $project and step = $step and episode_id in (select unnest($keys::varchar[]));

-- name: standing_clusters
select * from clusters where project = $project and method = $method;

-- name: standing_resolutions
select * from resolutions where project = $project;

-- name: gone_resolutions
delete from resolutions
where project = $project and episode_id in (select unnest($keys::varchar[]));

-- name: episode_ends
select project, episode_id, coalesce(ended_at, started_at, e.at) as ended_at
from current_episodes e
where project = $project
order by episode_id;

-- name: marks_of_episodes
-- Which mark reaches which episode. A trace, conversation or external key stands for what the
-- user saw, so its mark reaches root episodes alone, not the sub-agents below them.
with recursive roots as (
    select * from current_episodes where project = $project and parent_episode_id is null
),
externals as (
    select episode_id, metadata ->> '$.external_id' as external_id from roots
    union
    -- A path with [*] gives no ids where a product put anything but a list.
    select episode_id, unnest(metadata ->> '$.external_ids[*]') from roots
),
below as ( -- a span that is no LLM call stands for the calls under it, down to the next tool
    select s.trace_id, s.span_id, s.kind, o.outcome_id
    from outcomes o join spans s on s.project = o.project and s.span_id = o.target_id
    where o.project = $project and o.target_kind = 'span'
    union
    select s.trace_id, s.span_id, s.kind, b.outcome_id
    from below b join spans s
        on s.project = $project and s.trace_id = b.trace_id and s.parent_span_id = b.span_id
    where b.kind <> 'llm' and s.kind <> 'tool'
),
calls as (
    select project, episode_id, unnest(span_ids) as span_id, trace_ids
    from current_episodes where project = $project
),
reached as (
    select o.outcome_id, e.episode_id
    from outcomes o join (select episode_id, unnest(trace_ids) as trace_id from roots) e
        on e.trace_id = o.target_id
    where o.project = $project and o.target_kind = 'trace'
    union
    select b.outcome_id, c.episode_id
    from below b join calls c
        on c.span_id = b.span_id and list_contains(c.trace_ids, b.trace_id)
    where b.kind = 'llm'
    union
    select o.outcome_id, c.episode_id
    from outcomes o
    join spans s on s.project = o.project and s.response_id = o.target_id
    join calls c on c.span_id = s.span_id and list_contains(c.trace_ids, s.trace_id)
    where o.project = $project and o.target_kind = 'response'
    union
    select o.outcome_id, e.episode_id
    from outcomes o join roots e on e.conversation_id = o.target_id
    where o.project = $project and o.target_kind = 'conversation'
    union
    select o.outcome_id, e.episode_id
    from outcomes o join current_episodes e
        on e.project = o.project and e.episode_id = o.target_id
    where o.project = $project and o.target_kind = 'episode'
    union
    select o.outcome_id, e.episode_id
    from outcomes o join externals e on e.external_id = o.target_id
    where o.project = $project and o.target_kind = 'external'
)
select
    r.episode_id, o.source, o.name, o."at", o.success, o.score,
    o.correction is not null as corrected
from outcomes o left join reached r on r.outcome_id = o.outcome_id -- null: reaches none yet
where o.project = $project
order by r.episode_id, o.outcome_id;

-- name: standing_splits
select * from splits where project = $project order by group_id;

-- name: quarantined
select * from decisions
where project = $project and step = 'decontaminate' and reason = $reason;

-- name: superseded_members
-- The id of an episode changes when an earlier call comes late; its group must not.
select c.episode_id, c.cluster_id, e.trace_ids
from clusters c join (
    select * from episodes where project = $project
    qualify row_number() over (partition by episode_id order by revision desc) = 1
) e on e.episode_id = c.episode_id
where c.project = $project and c.method = $method and e.superseded
order by c.episode_id;

-- name: assignments
select c.episode_id, s.split
from clusters c
join splits s on s.project = $project and s.group_id = c.cluster_id
join current_episodes e on e.project = $project and e.episode_id = c.episode_id
left join decisions d
    on d.project = $project and d.episode_id = c.episode_id and d.step = 'decontaminate'
    and d.reason = 'quarantined'
where c.project = $project and c.method = 'group' and d.episode_id is null
order by c.episode_id;

-- name: live_cases
select case_id, input, origin_episode_id from cases
where project = $project and retired_at is null
order by case_id;
