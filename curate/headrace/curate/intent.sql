-- Intents of requests, in the words of users.

-- name: standing_intents
-- Those with most episodes were clustered first.
select intent_id, vector, episodes from centroids
where project = $project and model = $recipe
order by rowid

-- name: requests
-- The requests of the episodes that came first, as many as are asked for (null: all), and the
-- intent that most of them are in. Not by `row_number`: DuckDB 1.5 makes of it what takes less than
-- a million.
with arrived as (
    select u.asked, e.episode_id
    from current_episodes e
    join episode_units u
        on u.project = $project and u.episode_id = e.episode_id and u.revision = e.revision
    where e.project = $project and u.asked is not null
    order by u.rowid
    limit $first::bigint
)
select a.asked as unit_id, count(*) as episodes, mode(k.cluster_id) as intent_id
from arrived a
left join clusters k
    on k.project = $project and k.method = 'intent' and k.episode_id = a.episode_id
group by a.asked
order by a.asked

-- name: arrivals
-- What each episode asked, in the order in which they came.
select u.asked as unit_id
from current_episodes e
join episode_units u
    on u.project = $project and u.episode_id = e.episode_id and u.revision = e.revision
where e.project = $project and u.asked is not null
order by u.rowid

-- name: waiting_requests
-- Those of episodes that are in no intent.
select u.asked as unit_id, count(*) as episodes, null::varchar as intent_id
from current_episodes e
join episode_units u
    on u.project = $project and u.episode_id = e.episode_id and u.revision = e.revision
anti join (
    select episode_id from clusters where project = $project and method = 'intent'
) k on k.episode_id = e.episode_id
where e.project = $project and u.asked is not null
group by u.asked
order by u.asked

-- name: waiting_episodes
select count(*) filter (k.episode_id is null), count(*)
from current_episodes e
join episode_units u
    on u.project = $project and u.episode_id = e.episode_id and u.revision = e.revision
left join clusters k
    on k.project = $project and k.method = 'intent' and k.episode_id = e.episode_id
where e.project = $project and u.asked is not null

-- name: clusters_joined
-- Episodes that were in no intent; who represents it was settled before.
select $project as project, 'intent' as method, p.intent_id as cluster_id, e.episode_id,
    false as representative, p.cosine as similarity
from placed p
join episode_units u on u.project = $project and u.asked = p.unit_id
join current_episodes e
    on e.project = $project and e.episode_id = u.episode_id and e.revision = u.revision
anti join (
    select episode_id from clusters where project = $project and method = 'intent'
) k on k.episode_id = e.episode_id

-- name: clusters_anew
-- Of the episodes that were clustered, the oldest of those nearest to the middle represents an
-- intent: who comes later does not.
with arrived as (
    select e.episode_id, p.intent_id, p.cosine,
        row_number() over (partition by u.project order by u.rowid) as n
    from current_episodes e
    join episode_units u
        on u.project = $project and u.episode_id = e.episode_id and u.revision = e.revision
    left join placed p on p.unit_id = u.asked
    where e.project = $project and u.asked is not null
)
select $project as project, 'intent' as method, intent_id as cluster_id, episode_id,
    row_number() over (partition by intent_id order by n > $first, cosine desc, n) = 1
        as representative,
    cosine as similarity
from arrived
where intent_id is not null

-- name: names_taken
-- Of all intents that there ever were: a name never comes to mean another thing.
select name from intents where project = $project order by name

-- name: forget_centroids
delete from centroids where project = $project

-- name: log_merges
insert into cluster_events by name
select $project as project, 'intent' as method, old as old_id, new as new_id, 'merge' as event,
    $at as "at"
from merged
