-- The episodes that a step has not looked at yet, and what they say.

-- name: waiting
-- In the order of arrival, which is that of the first span, or of the post, then of the name: the
-- same whether they came in one night or in several. `place` finds the row again without its texts.
with latest as (
    select episode_id, revision, superseded, trace_ids, "at", rowid as place
    from episodes where project = $project
    qualify row_number() over (partition by episode_id order by revision desc) = 1
),
fresh as (
    select l.* exclude (superseded), s.rowid as scrubbed
    from latest l
    left join scrubbed s
        on s.project = $project and s.episode_id = l.episode_id and s.revision = l.revision
    anti join (
        select key, revision from done
        where project = $project and step = $step and version = $version
    ) d on d.key = l.episode_id and d.revision = l.revision
    anti join ( -- nothing raw of these is left to be read
        select key, revision from retired
        where project = $project and kind = 'episode' and not $scrubbed
    ) r on r.key = l.episode_id and r.revision >= l.revision
    where not l.superseded and (s.rowid is not null or not $scrubbed)
),
heard as (
    select f.episode_id, min(s.received_at) as "at"
    from (select episode_id, unnest(trace_ids) as trace_id from fresh) f
    join spans s on s.project = $project and s.trace_id = f.trace_id
    group by f.episode_id
)
select f.episode_id, f.revision, f.place, f.scrubbed, coalesce(h."at", f."at") as arrived
from fresh f left join heard h on h.episode_id = f.episode_id
order by arrived, f.episode_id;

-- name: rows_of_places
-- A function of the row number is looked at before texts are unpacked; the join alone is not.
select w.n, e.*, coalesce(r.resolution, 'pending') as resolution, r.success, r.score, r.resolved_by,
    true as representative
from wanted w
join episodes e on e.rowid = w.place
left join resolutions r on r.project = $project and r.episode_id = e.episode_id
where get_bit($blocks::bit, least(e.rowid // $rows, $behind)::integer) = 1
order by w.n;

-- name: scrubbed_rows_of_places
select w.n, s.messages, s.request, s.metadata
from wanted w join scrubbed s on s.rowid = w.scrubbed
where get_bit($blocks::bit, least(s.rowid // $rows, $behind)::integer) = 1
order by w.n;

-- name: places_of_messages
select m.hash, max(m.rowid) as place, max(m.chars) as chars
from messages m semi join wanted w on w.hash = m.hash
group by m.hash;

-- name: places_of_scrubbed_messages
select m.hash, max(m.rowid) as place, max(m.chars) as chars
from scrubbed_messages m semi join wanted w on w.hash = m.hash
group by m.hash;

-- name: messages_of_places
select m.hash, m.body::varchar as body from messages m semi join wanted w on w.place = m.rowid
where get_bit($blocks::bit, least(m.rowid // $rows, $behind)::integer) = 1;

-- name: scrubbed_messages_of_places
select m.hash, m.body::varchar as body
from scrubbed_messages m semi join wanted w on w.place = m.rowid
where get_bit($blocks::bit, least(m.rowid // $rows, $behind)::integer) = 1;
