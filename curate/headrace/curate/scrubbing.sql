-- Statements of the scrub.

-- name: fingerprints
select distinct fingerprint from scrub_keys where project = $project order by fingerprint;

-- name: superseded
-- Episodes that were scrubbed and are superseded by now.
select d.episode_id from decisions d
join (
    select episode_id, arg_max(superseded, revision) as superseded from episodes
    where project = $project group by episode_id
) e on e.episode_id = d.episode_id
where d.project = $project and d.step = $step and e.superseded;

-- name: decided
select episode_id from decisions
where project = $project and step = $step and episode_id in (select unnest($episodes::varchar[]));

-- name: forget_scrubbed
delete from scrubbed
where project = $project and episode_id in (select unnest($episodes::varchar[]));

-- name: forget_surrogates
delete from surrogates
where project = $project and episode_id in (select unnest($episodes::varchar[]));

-- name: forget_decisions
delete from decisions
where project = $project and step = $step and episode_id in (select unnest($episodes::varchar[]));

-- name: forget_done
-- Of every step: what they read of these episodes is no longer what stands.
delete from done
where project = $project and revision is not null
    and key in (select unnest($episodes::varchar[]));

-- name: episodes_with
-- The episodes in which all of these values stood.
select episode_id from surrogates
where project = $project and kind = $kind and digest in (select unnest($digests::varchar[]))
group by episode_id
having count(distinct digest) = len($digests::varchar[])
order by episode_id;

-- name: known_names
-- Names of which all words stood in one episode.
select distinct name from (
    select w.name, s.episode_id
    from wanted w join surrogates s on s.digest = w.digest
    where s.project = $project and s.kind = $kind
    group by w.name, s.episode_id, w.words
    having count(distinct w.digest) = w.words
)
order by name;

-- name: raw_of_episodes
-- The messages of episodes as they were said, as far as they are still there.
select e.episode_id, m.body::varchar as body
from (
    select episode_id, unnest(messages) as hash, generate_subscripts(messages, 1) as place
    from current_episodes
    where project = $project and episode_id in (select unnest($episodes::varchar[]))
) e
join messages m on m.hash = e.hash
order by e.episode_id, e.place;

-- name: values_of_retired
-- What stood in episodes whose raw texts are gone, by its HMACs.
select episode_id, kind, list(distinct digest) as digests
from surrogates
where project = $project and episode_id in (select unnest($episodes::varchar[]))
    and episode_id in (select key from retired where project = $project and kind = 'episode')
group by episode_id, kind;

-- name: scrubbed_before
-- Copies under other rules of episodes whose raw texts are gone.
select count(*) as n
from scrubbed s
join retired r on r.project = s.project and r.kind = 'episode' and r.key = s.episode_id
where s.project = $project and s.version <> $version and r.revision >= s.revision;
