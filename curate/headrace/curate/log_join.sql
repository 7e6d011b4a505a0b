-- Statements that join log records with the spans of their traces.

-- name: any_logs
select 1 as found from log_events
where project = $project and name in (select unnest($names::varchar[]))
limit 1;

-- name: traces_with_logs
-- Traces with records of messages that changed since they were joined. A span that was delivered
-- again has lost what the records gave it: when it was received tells so. In order of time, as those
-- of one time lie in the same few files.
with events as (
    select
        trace_id, count(*) as n, bit_xor(hash(span_id, name, "at", nth, received_at)) as mark,
        min("at") as first, max("at") as last
    from log_events
    where project = $project and trace_id is not null and name in (select unnest($names::varchar[]))
        and trace_id not in (select key from retired where project = $project and kind = 'trace')
    group by trace_id
),
calls as (
    select
        s.trace_id, min(s.started_at) as first, max(s.started_at) as last,
        bit_xor(hash(s.span_id, s.received_at)) filter (where s.scope is distinct from $made) as mark
    from spans s join events e on e.trace_id = s.trace_id
    where s.project = $project and s.kind = 'llm'
    group by s.trace_id
),
marks as (
    select
        $project as project, e.trace_id, e.n as events,
        least(e.first, c.first) as first, greatest(e.last, c.last) as last,
        concat_ws(':', e.n, e.mark, coalesce(c.mark, 0)) as fingerprint
    from events e left join calls c on c.trace_id = e.trace_id
)
select m.*
from marks m
left join joined_traces j on j.project = m.project and j.trace_id = m.trace_id
where m.fingerprint is distinct from j.fingerprint
order by m.first nulls last, m.trace_id;

-- name: calls_of_traces
select
    * exclude (input, output, defects, request, attributes, resource, events),
    coalesce(input, []) as input, coalesce(output, []) as output,
    coalesce(defects, []) as defects, request::varchar as request,
    attributes::varchar as attributes, resource::varchar as resource, events::varchar as events
from spans
where project = $project and kind = 'llm' and trace_id in (select unnest($traces::varchar[]))
    and (started_at is null or started_at between $first and $last);

-- name: logs_of_traces
select * exclude (attributes, body), attributes::varchar as attributes, body::varchar as body
from log_events
where project = $project and trace_id in (select unnest($traces::varchar[]))
    and name in (select unnest($names::varchar[]))
    and ("at" is null or "at" between $first and $last);

-- name: gone_spans
delete from spans
where project = $project and scope = $made and trace_id in (select unnest($traces::varchar[]))
    and (started_at is null or started_at between $first and $last);
