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
-- Raw attributes are most of a span: read where a tool or the product speaks in them.
select
    project, trace_id, span_id, parent_span_id, kind, name, received_at, started_at, ended_at,
    status, error, model, release, service, conversation_id, user_id, agent, response_id,
    coalesce(input, []) as input, coalesce(output, []) as output, tools_hash, input_tokens,
    output_tokens, cost_usd, finish_reason, coalesce(defects, []) as defects,
    case
        when kind = 'tool' or contains(attributes::varchar, '"headrace.')
        then attributes::varchar else '{}'
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

-- name: gone_clusters
delete from clusters
where project = $project and method = $method and episode_id in (select unnest($keys::varchar[]));

-- name: standing_resolutions
select * from resolutions where project = $project;

-- name: gone_resolutions
delete from resolutions
where project = $project and episode_id in (select unnest($keys::varchar[]));
