-- Preference pairs: who may stand against whom, found by columns alone.

-- name: pair_members
-- Every current episode: what pairs are made by, and why training may not see it. Chances of success
-- count to two digits, as they are weighed anew every night.
with latest as (
    select
        episode_id, revision, superseded, conversation_id, user_id, model, release, finish_reason,
        defects, epoch_us(started_at) as started_at, rowid as place
    from episodes where project = $project
    qualify row_number() over (partition by episode_id order by revision desc) = 1
),
decided as (
    select episode_id, step, kept, reason, revision
    from decisions
    where project = $project and step in ('dedupe', 'decontaminate', 'screen')
    qualify row_number() over (
        partition by episode_id, step order by "at" desc, kept, reason, because_of
    ) = 1
),
sided as (
    select c.episode_id, min(s.split) as split -- `eval` sorts first: in doubt it wins
    from clusters c
    join splits s on s.project = $project and s.group_id = c.cluster_id
    where c.project = $project and c.method = 'group'
    group by c.episode_id
),
clean as (
    select episode_id, revision, max(rowid) as place
    from scrubbed where project = $project group by episode_id, revision
)
select
    e.episode_id, e.revision, e.place, s.place as scrubbed, u.request, u.wording, u.words, u.context,
    g.split, round(r.p_success, 2) as p,
    case
        when r.resolution = 'success' and coalesce(r.p_success, 1) >= $success then true
        when r.resolution = 'failure' and coalesce(r.p_success, 0) <= $failure then false
    end as good,
    e.conversation_id, e.user_id, e.model, e.release, e.started_at,
    case
        when s.place is null then 'not_scrubbed'
        when g.split = 'eval' then 'eval_split'
        when not c.kept then c.reason
        when g.split is null or c.kept is null or c.revision <> e.revision or u.episode_id is null
            then 'not_curated'
        when not x.kept then 'screened:' || x.reason
        when not d.kept then 'duplicate'
        when e.finish_reason = 'length'
            or list_has_any(list_transform(e.defects, lambda d: split_part(d, ':', 1)), $broken)
            then 'defective'
    end as barred
from latest e
left join clean s on s.episode_id = e.episode_id and s.revision = e.revision
left join episode_units u
    on u.project = $project and u.episode_id = e.episode_id and u.revision = e.revision
left join sided g on g.episode_id = e.episode_id
left join decided c on c.episode_id = e.episode_id and c.step = 'decontaminate'
left join decided x on x.episode_id = e.episode_id and x.step = 'screen'
left join decided d on d.episode_id = e.episode_id and d.step = 'dedupe'
left join resolutions r on r.project = $project and r.episode_id = e.episode_id
where not e.superseded;

-- name: pair_requests
-- Requests that ended both ways, or that were corrected, with what their pairs are made from. The
-- row number of an episode's scrubbed messages tells that they were scrubbed anew.
with corrected as (
    select episode_id, string_agg(concat_ws('@', md5(said), turn), ',' order by said, turn) as said
    from corrections group by episode_id
),
resolved as (
    select m.*, c.said
    from members m left join corrected c on c.episode_id = m.episode_id
    where m.barred is null and m.good is not null and m.request is not null
),
told as (
    select
        request, count(*) as episodes,
        md5(string_agg(
            concat_ws(
                chr(31), episode_id, revision, scrubbed, good, coalesce(p::varchar, ''), split,
                coalesce(context::varchar, ''), coalesce(wording, ''), coalesce(words, ''),
                coalesce(conversation_id, ''),
                coalesce(user_id, ''), coalesce(model, ''), coalesce(release, ''),
                coalesce(started_at::varchar, ''), coalesce(said, '')
            ),
            chr(30) order by episode_id
        )) as fingerprint
    from resolved group by request
    having (bool_or(good) and not bool_and(good)) or count(said) > 0
)
select t.request, t.episodes, t.request || '/' || t.fingerprint as key, d.key is null as waits
from told t
left join (
    select distinct key from done
    where project = $project and step = 'pair' and version = $version
) d on d.key = t.request || '/' || t.fingerprint
order by t.request;

-- name: pair_sides
select m.* exclude (barred, place, scrubbed)
from members m
where m.barred is null and m.good is not null
    and m.request in (select request from touched)
order by m.request, m.episode_id;

-- name: pair_places
select m.episode_id, m.place, m.scrubbed, row_number() over (order by m.episode_id) as n
from members m join wanted w on w.episode_id = m.episode_id
order by m.episode_id;

-- name: pair_marks
select w.episode_id, e.trainable
from wanted w join episodes e on e.rowid = w.place
where get_bit($blocks::bit, least(e.rowid // $rows, $behind)::integer) = 1;

-- name: pair_texts
select w.episode_id, s.messages
from wanted w join scrubbed s on s.rowid = w.scrubbed
where get_bit($blocks::bit, least(s.rowid // $rows, $behind)::integer) = 1;

-- name: pairs_of_requests
select p.* from pairs p
where p.project = $project and p.request in (select request::varchar from touched)
order by p.pair_id;

-- name: pairs_beside_requests
-- Of requests that no longer ended both ways.
select p.* from pairs p
where p.project = $project and p.request not in (select request::varchar from opposed)
order by p.pair_id;

-- name: pair_states
-- What became of the episodes of pairs that do not stand any more.
select
    w.episode_id, m.episode_id is not null as current, m.barred, m.good,
    exists (
        select 1 from episodes e where e.project = $project and e.episode_id = w.episode_id
    ) as known
from wanted w left join members m on m.episode_id = w.episode_id;

-- name: gone_pairs
delete from pairs
where project = $project and pair_id in (select unnest($keys::varchar[]));

-- name: changed_pair_decisions
delete from decisions
where project = $project and step = 'pair'
    and episode_id in (select episode_id from told)
    and not exists (
        select 1 from told t
        where t.episode_id = decisions.episode_id and t.kept = decisions.kept
            and t.reason = decisions.reason and t.version = decisions.version
            and t.because_of is not distinct from decisions.because_of
            and t.revision is not distinct from decisions.revision
    );

-- name: new_pair_decisions
insert into decisions by name
select t.* from told t
where not exists (
    select 1 from decisions d
    where d.project = $project and d.step = 'pair' and d.episode_id = t.episode_id
);

-- name: gone_pair_requests
delete from done
where project = $project and step = 'pair'
    and split_part(key, '/', 1) in (select request::varchar from touched);

-- name: stale_pair_requests
delete from done
where project = $project and step = 'pair'
    and (version <> $version or key not in (select key from opposed));

-- name: pair_decisions
-- Episodes of requests that ended both ways were compared; the others are told here. Joins are on
-- equality alone: with more in them each row would be held against each.
with asked as (
    select request, count(*) as episodes from members
    where barred is null and good is not null
    group by request
),
compared as (
    select m.episode_id from members m semi join opposed o on o.request = m.request
    where m.good is not null
),
standing as (
    select d.episode_id, d.kept, d.reason, d.because_of
    from decisions d semi join compared c on c.episode_id = d.episode_id
    where d.project = $project and d.step = 'pair'
)
select
    $project as project, 'pair' as step, $version as version, m.episode_id,
    coalesce(d.kept, false) as kept,
    case
        when m.request is null then 'no_request'
        when m.good is null then 'unresolved'
        when d.reason is not null then d.reason
        when a.episodes > 1 then 'tie'
        else 'no_opposite'
    end as reason,
    d.because_of, null::double as similarity, $now::timestamptz as "at", m.revision
from members m
left join asked a on a.request = m.request
left join standing d on d.episode_id = m.episode_id
where m.barred is null;

-- name: correction_marks
-- What people say should have been said, the latest of each of them on each thing.
select outcome_id, target_kind, target_id, correction::varchar as said
from outcomes
where project = $project and correction is not null and success is not true
    and source in ('human', 'user', 'product')
qualify row_number() over (
    partition by target_kind, target_id, name, source, author order by "at" desc, outcome_id
) = 1
order by outcome_id;

-- name: pair_corrections
-- Which message of which episode each of them is about; of a whole episode it is the last one.
with episode as (
    select e.episode_id, e.trace_ids, e.span_ids, e.messages, e.parent_episode_id,
        e.conversation_id, e.started_at, e.metadata
    from current_episodes e where e.project = $project
),
calls as (
    select k.said, s.trace_id, s.span_id, len(s.input) as heard, s.output[1] as reply
    from marks k join spans s on s.project = $project and s.span_id = k.target_id
    where k.target_kind = 'span'
    union all
    select k.said, s.trace_id, s.span_id, len(s.input) as heard, s.output[1] as reply
    from marks k join spans s on s.project = $project and s.response_id = k.target_id
    where k.target_kind = 'response'
),
spoken as (
    select episode_id, messages, trace_ids, unnest(span_ids) as span_id from episode
),
found as (
    select
        s.episode_id, c.said,
        case
            when s.messages[c.heard + 1] = c.reply then c.heard
            else coalesce(list_position(s.messages, c.reply) - 1, -1)
        end as turn
    from calls c join spoken s on s.span_id = c.span_id and list_contains(s.trace_ids, c.trace_id)
    union
    select e.episode_id, k.said, null
    from marks k join episode e on k.target_kind = 'episode' and e.episode_id = k.target_id
    union
    select e.episode_id, k.said, null
    from marks k join (
        select episode_id, unnest(trace_ids) as trace_id from episode
        where parent_episode_id is null
    ) e on k.target_kind = 'trace' and e.trace_id = k.target_id
    union
    select e.episode_id, k.said, null
    from marks k join (
        select episode_id, conversation_id from episode
        where conversation_id is not null and parent_episode_id is null
        qualify row_number() over (
            partition by conversation_id order by started_at desc nulls last, episode_id
        ) = 1
    ) e on k.target_kind = 'conversation' and e.conversation_id = k.target_id
    union
    select e.episode_id, k.said, null
    from marks k join (
        select episode_id, metadata ->> '$.external_id' as external_id from episode
        where parent_episode_id is null
        union
        select episode_id, unnest(metadata ->> '$.external_ids[*]') from episode
        where parent_episode_id is null
    ) e on k.target_kind = 'external' and e.external_id = k.target_id
)
select episode_id, said, turn::bigint as turn from found order by episode_id, turn, said;
