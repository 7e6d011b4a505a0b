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
-- Per trace what stands in the lake, and what stood when it was last assembled. A row of a span is
-- never changed, only replaced: its number names a version of it, stays when files are merged or
-- rewritten, and costs a tenth of reading what the span says. Of conversations the hashes do, at half
-- the cost of their names. Retired traces are not read again: what they said is gone.
with traces as (
    select
        trace_id, count(*) as spans, count(*) filter (where kind = 'llm') as calls,
        min(hash(conversation_id)) filter (where conversation_id is not null) as conversation,
        max(hash(conversation_id)) filter (where conversation_id is not null) as conversation_2,
        min(started_at) as started_at, max(started_at) as last_at,
        concat_ws(':', $version, count(*), bit_xor(hash(rowid))) as fingerprint
    from spans where project = $project and trace_id not in (
        select key from retired where project = $project and kind = 'trace'
    )
    group by trace_id
)
select t.*, a.fingerprint as assembled
from traces t
left join assembled_traces a on a.project = $project and a.trace_id = t.trace_id;

-- name: trace_keys
-- What traces that belong together share, apart from one conversation: several of them, a response
-- that another call continues, an episode that reached over both and must go when they part. A key
-- is a hash: should two ever meet, two groups are only assembled at one time.
with mixed as (
    select distinct trace_id, conversation_id from spans
    where project = $project and conversation_id is not null and trace_id in (
        select trace_id from marks where conversation <> conversation_2
    )
),
continued as (
    select distinct trace_id, previous_response_id as response_id from spans
    where project = $project and previous_response_id is not null
),
answered as (
    select distinct s.trace_id, s.response_id from spans s
    where s.project = $project and s.response_id in (select response_id from continued)
),
wide as (
    select episode_id, unnest(trace_ids) as trace_id from episodes
    where project = $project and len(trace_ids) > 1
),
keys as (
    select trace_id, hash(conversation_id) as key from mixed
    union all
    select trace_id, hash('response', response_id) from continued
    union all
    select trace_id, hash('response', response_id) from answered
    union all
    select trace_id, hash('episode', episode_id) from wide
)
select k.key, m.n from keys k join marks m on m.trace_id = k.trace_id;

-- name: trace_links
-- What one trace heard and another said, where one of them has no conversation id. What many traces
-- of a day say ("How can I help?") tells nothing about who goes on with whom, unless the messages
-- that open the history, two at most, tell them apart.
with turns as (
    select
        m.n, m.conversation is not null as named, s.said, s.heard, s.started_at,
        date_diff('day', timestamptz '2000-01-01', s.started_at) as day,
        coalesce(s.service, '') as service, s.input[1:1] as opening, s.input[1:2] as opening_2
    from spans s join marks m on m.trace_id = s.trace_id
    where s.project = $project and s.kind = 'llm' and s.started_at is not null
),
sayings as (
    select distinct n, named, key, started_at, day from (
        select
            n, named, started_at, day,
            unnest([hash(service, said), hash(service, said, opening_2)]) as key
        from turns where said is not null
    )
    qualify count(distinct n) over (partition by key, day) <= $crowd
),
hearings as (
    select distinct n, named, key, started_at, day + unnest([-1, 0, 1]) as day from (
        select
            n, named, started_at, day,
            unnest([
                hash(service, heard), hash(service, heard, opening), hash(service, heard, opening_2)
            ]) as key
        from turns where heard is not null
    )
)
select distinct s.n as first, h.n
from sayings s join hearings h on h.key = s.key and h.day = s.day
where s.n <> h.n and not (s.named and h.named)
    and abs(date_diff('second', s.started_at, h.started_at)) < $seconds;

-- name: trace_names
select trace_id, sum(len(input) + len(output))::bigint as names from spans
where project = $project and kind = 'llm' and trace_id in (select unnest($traces::varchar[]))
group by trace_id;

-- name: trace_cuts
-- Where a trace is cut that has more calls than are assembled at once, or longer histories.
with weighed as (
    select
        trace_id, span_id, epoch_us(started_at) as since,
        greatest($names, (len(input) + len(output)) * $calls)::hugeint as weight
    from spans
    where project = $project and kind = 'llm' and trace_id in (select unnest($traces::varchar[]))
)
select trace_id, min(since) as since from (
    select trace_id, since, coalesce(sum(weight) over (
        partition by trace_id order by since nulls last, span_id
        rows between unbounded preceding and 1 preceding
    ), 0) // ($names::hugeint * $calls) as part
    from weighed
)
group by trace_id, part
order by trace_id, since;

-- name: spans_of_pieces
-- Raw attributes are most of a span: read where the product speaks in them. Times as numbers and
-- lists as text reach Python several times as fast. An agent that runs on over a cut is on both
-- sides of it, as calls inherit from it.
select
    p.piece, s.project, s.trace_id, s.span_id, s.parent_span_id, s.kind, s.name,
    epoch_us(s.received_at) as received_at, epoch_us(s.started_at) as started_at,
    epoch_us(s.ended_at) as ended_at, s.status, s.error, s.provider, s.model, s.release, s.service,
    s.scope, s.convention, s.conversation_id, s.user_id, s.agent, s.response_id, s.previous_response_id,
    len(s.input) > $long as long,
    case when len(s.input) > $long then null else array_to_string(s.input, ',') end as input,
    array_to_string(s.output, ',') as output, s.said,
    s.heard, s.tools_hash, s.input_tokens, s.output_tokens, s.cached_tokens, s.cache_write_tokens,
    s.cost_usd, s.finish_reason, array_to_string(s.defects, ',') as defects,
    case
        when contains(s.attributes::varchar, '"headrace.') then s.attributes::varchar else '{}'
    end as attributes
from spans s join places p on p.trace_id = s.trace_id
where s.project = $project
    and (s.started_at is null or s.started_at between $first and $last) -- files of other days
    and coalesce(epoch_us(s.started_at), $never) < p.until
    and (
        coalesce(epoch_us(s.started_at), $never) >= p.since
        or s.kind in ('agent', 'other')
        and coalesce(epoch_us(s.ended_at), $never) >= p.since
    )
order by p.piece;

-- name: long_inputs
-- The histories that are too long to be sorted or to be one text, name by name: DuckDB holds 2,048
-- rows at once, whatever their size. Nothing is joined, as a join might hold them all.
select place, unnest(input) as name from (
    select list_position($keys::varchar[], trace_id || ' ' || span_id) as place, input
    from spans
    where project = $project and (started_at is null or started_at between $first and $last)
        and len(input) > $long
)
where place > 0;

-- name: bodies_of_pieces
-- Messages and tool definitions, each where it is first named after a shelf was cleared.
with used as not materialized ( -- of histories, one column at a time
    select p.shelf, p.piece, s.input, s.output, s.tools_hash
    from spans s join places p on p.trace_id = s.trace_id
    where s.project = $project
        and (s.started_at is null or s.started_at between $first and $last)
        and coalesce(epoch_us(s.started_at), $never) < p.until
        and coalesce(epoch_us(s.started_at), $never) >= p.since
),
named as (
    select hash, shelf, min(piece) as piece
    from (
        select shelf, piece, unnest(input) as hash from used
        union all
        select shelf, piece, unnest(output) as hash from used
    )
    group by hash, shelf
),
tooled as (
    select tools_hash as hash, shelf, min(piece) as piece from used
    where tools_hash is not null
    group by tools_hash, shelf
)
select n.piece, n.shelf, false as tools, m.hash, m.body::varchar as body
from named n join messages m on m.hash = n.hash
union all
select u.piece, u.shelf, true as tools, t.hash, t.body::varchar as body
from tooled u join toolsets t on t.hash = u.hash
order by 1;

-- name: named_by_pieces
-- What `bodies_of_pieces` reads, found by hashes alone: the rows of messages and tool definitions.
-- Of a message that is there twice the later row is taken, as it lies beside those that are new.
with named as (
    select hash, shelf, min(piece) as piece
    from (
        select p.shelf, p.piece, unnest(list_concat(s.input, s.output, [s.tools_hash])) as hash
        from spans s join places p on p.trace_id = s.trace_id
        where s.project = $project
            and (s.started_at is null or s.started_at between $first and $last)
            and coalesce(epoch_us(s.started_at), $never) < p.until
            and coalesce(epoch_us(s.started_at), $never) >= p.since
    )
    group by hash, shelf
)
select n.piece, n.shelf, false as tools, max(m.rowid) as place
from named n join messages m on m.hash = n.hash
group by n.piece, n.shelf, n.hash
union all
select n.piece, n.shelf, true as tools, max(t.rowid) as place
from named n join toolsets t on t.hash = n.hash
group by n.piece, n.shelf, n.hash;

-- name: bodies_of_rows
-- A function of the row number is looked at before bodies are unpacked; the join alone is not.
select n.piece, n.shelf, false as tools, m.hash, m.body::varchar as body
from named n join messages m on m.rowid = n.place
where not n.tools and get_bit($blocks::bit, least(m.rowid // $rows, $behind)::integer) = 1
union all
select n.piece, n.shelf, true as tools, t.hash, t.body::varchar as body
from named n join toolsets t on t.rowid = n.place
where n.tools
order by 1;

-- name: touched_episodes
select
    min(p.grp) as grp, e.episode_id, max(e.revision) as revision, min(e.started_at) as first,
    max(e.started_at) as last
from (
    select episode_id, revision, started_at, unnest(trace_ids) as trace_id
    from episodes where project = $project
) e
join places p on p.trace_id = e.trace_id
where e.episode_id not in ( -- an older revision may have held a trace that came to stand by itself
    select key from retired where project = $project and kind = 'episode'
)
group by e.episode_id;

-- name: standing_episodes
-- The last revisions of the episodes that were assembled from these traces. Posted and loaded
-- episodes have no spans: assembly leaves them alone.
select
    t.grp, e.* exclude (tools, metadata), e.tools::varchar as tools,
    e.metadata::varchar as metadata
from episodes e
join touched t on t.episode_id = e.episode_id and t.revision = e.revision
where e.project = $project and len(e.span_ids) > 0
    and (e.started_at is null or e.started_at between $first and $last)
order by t.grp;

-- name: late_spans
-- What came for a trace after its raw texts had gone, and was not told of yet: it is not read.
with late as (
    select s.trace_id || ':' || s.span_id as name
    from spans s
    join retired r on r.project = s.project and r.kind = 'trace' and r.key = s.trace_id
    where s.project = $project and s.received_at > r.heard
    union
    select l.trace_id
    from log_events l
    join retired r on r.project = l.project and r.kind = 'trace' and r.key = l.trace_id
    where l.project = $project and l.received_at > r."at"
)
select name from late
where name not in (select episode_id from decisions where project = $project and step = $step);

-- name: assembled
select trace_id, fingerprint from assembled_traces
where project = $project and trace_id in (select unnest($traces::varchar[]));

-- name: standing_decisions_among
-- Those on traces, and on the spans of traces, which are named `<trace>:<span>`.
select * from decisions
where project = $project and step = $step and (
    episode_id in (select unnest($among::varchar[]))
    or regexp_replace(episode_id, ':[^:]*$', '') in (select unnest($among::varchar[]))
);

-- name: gone_decisions
delete from decisions
where project = $project and step = $step and episode_id in (select unnest($keys::varchar[]));

-- name: resolved
-- What each current episode is resolved to, by the table of sources, and where Headrace itself asked
-- rules or judges, by the probability of all of them together.
with found as (
    select
        e.project, e.episode_id, r.deciding.source as source, r.deciding.yes as yes,
        r.deciding.no as no, if(r.deciding is null, r.score, r.deciding.score) as score,
        r.asked and r.deciding.source not in ('human', 'user', 'product') as pooled,
        p.success as p, p.witnesses, p.voices, p.ayes,
        coalesce(e.ended_at, e.started_at, e."at") < $since as over
    from current_episodes e
    left join rulings r on r.episode_id = e.episode_id
    left join weighed p on p.episode_id = e.episode_id
    where e.project = $project
),
stated as (
    select
        *,
        case
            when source is null then if(over, 'unmarked', 'pending')
            when pooled and voices > 1 then
                case
                    when p >= $success then 'success'
                    when p <= $failure then 'failure'
                    else 'conflicting'
                end
            when pooled and voices = 1 then if(ayes = 1, 'success', 'failure')
            when pooled or (yes and no) then 'conflicting'
            when yes then 'success'
            else 'failure'
        end as resolution
    from found
)
select
    project, episode_id, resolution,
    case resolution when 'success' then true when 'failure' then false end as success, score,
    case when pooled and voices > 1 then 'votes' else source end as resolved_by,
    $now::timestamptz as "at", p as p_success, witnesses
from stated;

-- name: marks_of_episodes
-- Which mark reaches which episode, and what it says by itself or by the rule for its score. A trace, conversation or external key stands for what the
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
    r.episode_id, o.source, o.name, o.author, o."at", o.score,
    case
        when o.success is not null then o.success
        when o.correction is not null then false -- what was said was wrong
        when o.score is null or t.name is null then null -- a bare score says nothing
        when isnan(o.score) then false
        when t.comparator = '>=' then o.score >= t.bound
        when t.comparator = '>' then o.score > t.bound
        when t.comparator = '<=' then o.score <= t.bound
        when t.comparator = '<' then o.score < t.bound
        else o.score = t.bound
    end as verdict
from outcomes o
left join reached r on r.outcome_id = o.outcome_id -- null: reaches none yet
left join thresholds t on t.name = o.name
where o.project = $project;
