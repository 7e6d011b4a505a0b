-- Statements of the replay of dead letters.

-- name: waiting
select spool, seq, octet_length(body) as size from dead_letters
where ($project is null or project = $project)
    and ($reason is null or contains(lower(reason), lower($reason)))
order by received_at, spool, seq;

-- name: bodies
select l.* from dead_letters l
join (select unnest($spools::varchar[]) as spool, unnest($seqs::bigint[]) as seq) k
    on k.spool = l.spool and k.seq = l.seq
order by l.received_at, l.spool, l.seq;

-- name: standing
select l.spool, l.seq from dead_letters l
join (select unnest($spools::varchar[]) as spool, unnest($seqs::bigint[]) as seq) k
    on k.spool = l.spool and k.seq = l.seq;

-- name: remove
delete from dead_letters using (
    select unnest($spools::varchar[]) as spool, unnest($seqs::bigint[]) as seq
) k
where k.spool = dead_letters.spool and k.seq = dead_letters.seq;

-- name: known_spans
select project, trace_id, span_id, received_at from spans
where span_id in (select unnest($ids::varchar[]));

-- name: known_outcomes
select project, outcome_id, received_at from outcomes
where outcome_id in (select unnest($ids::varchar[]));

-- name: known_episodes
select project, episode_id, max("at") as received_at from episodes
where episode_id in (select unnest($ids::varchar[]))
group by project, episode_id;

-- name: remaining
select signal, reason, count(*) as bodies, min(received_at) as first, max(received_at) as last
from dead_letters
where ($project is null or project = $project)
    and ($reason is null or contains(lower(reason), lower($reason)))
group by signal, reason order by bodies desc, signal, reason;
