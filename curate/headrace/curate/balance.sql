-- Statements that weigh the completions that came in against what became of them.

-- name: open_traces
-- Traces whose spans changed since they were assembled, if ever they were, and those that an
-- episode joins with such a one: what stands of them is of an earlier night.
with recursive marks as (
    select project, trace_id, concat_ws(':', count(*), bit_xor(hash(rowid))) as mark
    from spans group by project, trace_id
),
wide as (
    select project, trace_ids, unnest(trace_ids) as trace_id from current_episodes
    where len(span_ids) > 0 and len(trace_ids) > 1
),
opened as (
    select m.project, m.trace_id
    from marks m
    left join assembled_traces a on a.project = m.project and a.trace_id = m.trace_id
    where not coalesce(ends_with(a.fingerprint, ':' || m.mark), false)
    union
    select project, unnest(trace_ids) as trace_id from (
        select w.project, w.trace_ids
        from opened o join wide w on w.project = o.project and w.trace_id = o.trace_id
    )
)
select project, trace_id from opened;

-- name: balance
-- `untrained` is a list of {reason, calls}, most first.
with calls as (
    select
        s.project,
        count(*) filter (len(s.output) > 0 and o.trace_id is null) as seen,
        count(*) filter (len(s.output) > 0 and o.trace_id is not null) as waiting,
        count(*) filter (
            len(s.input) = 0 and len(s.output) = 0 and o.trace_id is null
        ) as without_content
    from spans s left join opened o on o.project = s.project and o.trace_id = s.trace_id
    where s.kind = 'llm'
    group by s.project
),
trained as (
    select e.project, sum(e.turns)::bigint as trained
    from current_episodes e
    where len(e.span_ids) > 0 and not exists (
        select 1 from opened o where o.project = e.project and o.trace_id = e.trace_ids[1]
    )
    group by e.project
),
reasons as (
    select d.project, d.reason, count(*) as calls
    from decisions d
    where d.step = $step and d.because_of is not null and not exists (
        select 1 from opened o
        where o.project = d.project and o.trace_id = regexp_replace(d.episode_id, ':[^:]*$', '')
    )
    group by d.project, d.reason
),
untrained as (
    select project, list({'reason': reason, 'calls': calls} order by calls desc, reason) as reasons
    from reasons group by project
)
select
    c.project, c.seen, coalesce(t.trained, 0) as trained, coalesce(u.reasons, []) as untrained,
    c.waiting, c.without_content
from calls c
left join trained t on t.project = c.project
left join untrained u on u.project = c.project
order by c.project;

-- name: unheld
-- Completions of assembled traces that no current episode names.
with held as (
    select project, trace_ids, unnest(span_ids) as span_id from current_episodes
)
select s.project, s.trace_id, s.span_id
from spans s
where s.kind = 'llm' and len(s.output) > 0
    and not exists (
        select 1 from opened o where o.project = s.project and o.trace_id = s.trace_id
    )
    and not exists (
        select 1 from held h
        where h.project = s.project and h.span_id = s.span_id
            and list_contains(h.trace_ids, s.trace_id)
    );
