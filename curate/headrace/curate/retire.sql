-- Statements of retention: whose raw texts go, and what goes with them.

-- name: traces
-- Traces whose raw texts are there, and whether assembly has seen all of their spans: see
-- `trace_marks`, whose fingerprint ends with this.
select
    t.trace_id, t.heard < $before as old, t.upto, t.heard,
    coalesce(ends_with(a.fingerprint, t.mark), false) as assembled
from (
    select
        trace_id, max(received_at) as heard, max(rowid) as upto,
        concat(':', count(*), ':', bit_xor(hash(rowid))) as mark
    from spans where project = $project and trace_id not in (
        select key from retired where project = $project and kind = 'trace'
    )
    group by trace_id
) t
left join assembled_traces a on a.project = $project and a.trace_id = t.trace_id
order by t.heard, t.trace_id;

-- name: episodes
-- Episodes whose raw texts are there, and whether these are needed no more: the copy stands, or nothing
-- reads the episode. What the scrub refused is there once and waits: other rules may take it.
with latest as (
    select
        episode_id, max(revision) as revision, arg_max(superseded, revision) as superseded,
        arg_max(trace_ids, revision) as trace_ids, arg_max("at", revision) as "at"
    from episodes where project = $project
    group by episode_id
)
select
    e.episode_id, e.revision, e.trace_ids, e."at" < $before as old,
    e.superseded or s.revision is not null as ready, d.revision is not null as refused
from latest e
left join (
    select key, max(revision) as revision from retired
    where project = $project and kind = 'episode' group by key
) r on r.key = e.episode_id and r.revision >= e.revision
left join scrubbed s
    on s.project = $project and s.episode_id = e.episode_id and s.revision = e.revision
left join decisions d
    on d.project = $project and d.episode_id = e.episode_id and d.revision = e.revision
    and d.step = $scrub and d.reason = $refused
where r.key is null
order by e."at", e.episode_id;

-- name: said
-- Comments and corrections about what retires, and all episodes that each of them may be about; the
-- comments of reviewers are those of their outcomes, but a flag has none.
with about as (
    select episode_id, revision, trace_ids, conversation_id, metadata
    from episodes
    where project = $project and episode_id in (select unnest($episodes::varchar[]))
),
names as (
    select 'episode' as kind, episode_id as name, episode_id from about
    union select 'conversation', conversation_id, episode_id from about
    union select 'external', metadata ->> '$.external_id', episode_id from about
    union select 'external', unnest(metadata ->> '$.external_ids[*]'), episode_id from about
    union select 'trace', unnest(trace_ids), episode_id from about
    union select 'trace', unnest($traces::varchar[]), null
),
known as (
    from names
    union
    select unnest(['span', 'response']), unnest([s.span_id, s.response_id]), n.episode_id
    from spans s join names n on n.kind = 'trace' and n.name = s.trace_id
    where s.project = $project
)
select
    o.outcome_id as name, o.received_at, o.received_at::varchar as received_text, o.comment,
    o.correction::varchar as correction,
    list(k.episode_id order by k.episode_id) filter (k.episode_id is not null) as episodes
from outcomes o join known k on k.kind = o.target_kind and k.name = o.target_id
where o.project = $project and (o.comment is not null or o.correction is not null)
group by all
union all
select
    concat_ws(':', 'review', item_id, reviewer), "at", "at"::varchar, comment, null, [episode_id]
from reviews
where project = $project and outcome_id is null and comment is not null
    and episode_id in (select unnest($episodes::varchar[]))
order by name;

-- name: said_alone
-- Comments and corrections that came before the time and are about nothing that is kept raw, and all
-- episodes that each may be about: what stood in these is known by HMACs.
with kept as (
    select trace_id, span_id, response_id, conversation_id from spans
    where project = $project and trace_id not in (
        select key from retired where project = $project and kind = 'trace'
    )
),
raw as (
    select e.episode_id, e.conversation_id, e.metadata
    from episodes e
    left join retired r
        on r.project = $project and r.kind = 'episode' and r.key = e.episode_id
        and r.revision >= e.revision
    where e.project = $project and r.key is null
),
names as (
    select 'trace' as kind, trace_id as name from kept
    union all select 'span', span_id from kept
    union all select 'response', response_id from kept
    union all select 'conversation', conversation_id from kept
    union all select 'episode', episode_id from raw
    union all select 'conversation', conversation_id from raw
    union all select 'external', metadata ->> '$.external_id' from raw
    union all select 'external', unnest(metadata ->> '$.external_ids[*]') from raw
),
words as (
    select
        outcome_id as name, target_kind, target_id, received_at, comment,
        correction::varchar as correction
    from outcomes
    where project = $project and received_at < $before and outcome_id > $after
        and (comment is not null or correction is not null)
    union all
    select
        concat_ws(':', 'review', item_id, reviewer), 'episode', episode_id, "at", comment, null
    from reviews
    where project = $project and "at" < $before and outcome_id is null and comment is not null
        and concat_ws(':', 'review', item_id, reviewer) > $after
),
gone as (
    select e.episode_id, e.conversation_id, e.trace_ids, e.metadata
    from episodes e
    join retired r
        on r.project = $project and r.kind = 'episode' and r.key = e.episode_id
        and r.revision >= e.revision
    where e.project = $project
),
gone_names as (
    select 'episode' as kind, episode_id as name, episode_id from gone
    union select 'conversation', conversation_id, episode_id from gone
    union select 'external', metadata ->> '$.external_id', episode_id from gone
    union select 'external', unnest(metadata ->> '$.external_ids[*]'), episode_id from gone
    union select 'trace', unnest(trace_ids), episode_id from gone
)
select
    w.name, w.received_at, w.received_at::varchar as received_text, w.comment, w.correction,
    list(g.episode_id order by g.episode_id) filter (g.episode_id is not null) as episodes
from words w
left join gone_names g on g.kind = w.target_kind and g.name = w.target_id
anti join names n on n.kind = w.target_kind and n.name = w.target_id
anti join (
    select key, version from done where project = $project and step = $step
) d on d.key = w.name and d.version = w.received_at::varchar
group by all
order by w.name
limit $most;

-- name: resay
update outcomes set comment = c.comment, correction = c.correction
from changed c
where outcomes.project = $project and outcomes.outcome_id = c.name
    and outcomes.received_at = c.received_at;

-- name: resay_reviews
update reviews set comment = c.comment
from changed c
where reviews.project = $project and reviews.comment is not null
    and coalesce(outcome_id, concat_ws(':', 'review', item_id, reviewer)) = c.name
    and reviews."at" = c.received_at;

-- name: full_spans
-- Spans of retired traces that were never emptied: what is emptied is another row.
select s.rowid as place
from spans s
join retired r on r.project = s.project and r.kind = 'trace' and r.key = s.trace_id
where s.rowid <= r.upto
limit $most;

-- name: late_spans
-- Spans that came for a trace when it was retired; see `still_full`.
select s.rowid as place
from spans s
join retired r on r.project = s.project and r.kind = 'trace' and r.key = s.trace_id
where s.received_at > r.heard;

-- name: early_spans
-- Spans that came for a retired trace and say that they were received before it was last heard of:
-- from the spool of a machine that was away. What is emptied looks alike but for its texts; of spans
-- that are young none are unpacked.
select s.rowid as place, s.project, s.trace_id || ':' || s.span_id as name
from spans s
join retired r on r.project = s.project and r.kind = 'trace' and r.key = s.trace_id
where s.received_at <= (select max(heard) from retired)
    and s.rowid > r.upto and s.received_at <= r.heard
    and (
        s.attributes::varchar <> '{}' or s.resource::varchar <> '{}' or s.events::varchar <> '[]'
        or s.request is not null or not regexp_full_match(s.error, $word)
    )
limit $most;

-- name: still_full
-- A function of the row number is looked at before texts are unpacked. An error that is one word is
-- a kind of error.
select rowid as place from spans
where list_contains($places::bigint[], rowid) and (
    attributes::varchar <> '{}' or resource::varchar <> '{}' or events::varchar <> '[]'
    or request is not null or not regexp_full_match(error, $word)
)
limit $most;

-- name: bare_spans
select * replace (
    '{}'::json as attributes, '{}'::json as resource, '[]'::json as events, null::json as request,
    case when regexp_full_match(error, $word) then error when error is not null then 'error' end
        as error
)
from spans where rowid in (select unnest($places::bigint[]));

-- name: gone_spans
delete from spans where rowid in (select unnest($places::bigint[]));

-- name: full_episodes
-- Revisions of retired episodes that do not read as they should: see `bare_episodes`.
select e.rowid as place
from episodes e
join (
    select project, key, max(revision) as revision from retired
    where kind = 'episode' group by project, key
) r on r.project = e.project and r.key = e.episode_id and r.revision >= e.revision
left join scrubbed s
    on s.project = e.project and s.episode_id = e.episode_id and s.revision = e.revision
where e.request is distinct from coalesce(s.request, '')
    or e.metadata::varchar is distinct from json_merge_patch(
        coalesce(s.metadata, '{}'), json_object(
            'external_id', e.metadata -> '$.external_id',
            'external_ids', e.metadata -> '$.external_ids',
            'headrace.content', e.metadata -> '$."headrace.content"'
        )
    )::varchar
    or not regexp_full_match(e.error, $word)
order by place
limit $most;

-- name: bare_episodes
-- The scrubbed texts, where there are any. Keys by which outcomes find an episode join, and stay.
select e.* replace (
    coalesce(s.request, '') as request,
    json_merge_patch(
        coalesce(s.metadata, '{}'), json_object(
            'external_id', e.metadata -> '$.external_id',
            'external_ids', e.metadata -> '$.external_ids',
            'headrace.content', e.metadata -> '$."headrace.content"'
        )
    ) as metadata,
    case when regexp_full_match(e.error, $word) then e.error when e.error is not null then 'error'
        end as error
)
from episodes e
left join scrubbed s
    on s.project = e.project and s.episode_id = e.episode_id and s.revision = e.revision
where e.rowid in (select unnest($places::bigint[]));

-- name: gone_episodes
delete from episodes where rowid in (select unnest($places::bigint[]));

-- name: gone_log_events
-- Of retired traces, and old ones of traces without any span. What came late waits until assembly has
-- told of it, and records that a span may be made of until it has joined their trace: a night of one
-- project does not assemble the others.
delete from log_events where rowid in (
    select l.rowid from log_events l
    where exists (
        select 1 from retired r
        where r.project = l.project and r.kind = 'trace' and r.key = l.trace_id
            and (l.received_at <= r."at" or exists (
                select 1 from decisions d
                where d.project = l.project and d.step = $step and d.episode_id = l.trace_id
                    and d.reason = $late
            ))
    ) or l.received_at < $before and not exists (
        select 1 from spans s where s.project = l.project and s.trace_id = l.trace_id
    ) and (
        l.trace_id is null or not list_contains($names::varchar[], l.name) or exists (
            select 1 from joined_traces j
            where j.project = l.project and j.trace_id = l.trace_id
        )
    )
    limit $most
);

-- name: gone_dead_letters
delete from dead_letters where rowid in (
    select rowid from dead_letters where received_at < $before limit $most
);

-- name: named
-- The messages that spans and episodes name whose raw texts are there.
select distinct hash from (
    select unnest(list_concat(s.input, s.output)) as hash
    from spans s
    where not exists (
        select 1 from retired r
        where r.project = s.project and r.kind = 'trace' and r.key = s.trace_id
    )
    union all
    select unnest(e.messages) as hash
    from episodes e
    where not exists (
        select 1 from retired r
        where r.project = e.project and r.kind = 'episode' and r.key = e.episode_id
            and r.revision >= e.revision
    )
);

-- name: unnamed
select distinct hash from messages where hash not in (select hash from named) order by hash;

-- name: gone_messages
delete from messages where hash in (select hash from gone);

-- name: any_retired
select 1 as found from retired limit 1;

-- name: missing
select hash from named where hash not in (select hash from messages);

-- name: snapshots
select min(snapshot_id), max(snapshot_id) from ducklake_snapshots('lake');

-- name: bring_back
insert into messages by name
select hash, any_value(role) as role, any_value(body) as body, any_value(chars) as chars
from ducklake_table_deletions('lake', 'main', 'messages', $first::bigint, $last::bigint)
where hash in (select hash from missing) and hash not in (select hash from messages)
group by hash;

-- name: kept
-- What raw texts there are, and since when.
select
    (select count(*) from messages) as messages,
    (
        select min("at") from (
            select min(received_at) as "at" from spans s where not exists (
                select 1 from retired r
                where r.project = s.project and r.kind = 'trace' and r.key = s.trace_id
            )
            union all
            select min("at") from episodes e where len(e.span_ids) = 0 and not exists (
                select 1 from retired r
                where r.project = e.project and r.kind = 'episode' and r.key = e.episode_id
                    and r.revision >= e.revision
            )
        )
    ) as oldest;
