-- What `headrace intents` shows beside traffic.

-- name: intent_marks
-- How the root episodes of each intent ended, among those that are marked.
select coalesce(nullif(e.metadata ->> '$.intent', ''), k.cluster_id, 'other') as intent,
    any_value(i.terms) as terms,
    count(*) filter (e.resolution in ('success', 'failure')) as marked,
    avg((e.resolution = 'success')::int) filter (e.resolution in ('success', 'failure')) as success
from current_episodes e
left join clusters k
    on k.project = $project and k.episode_id = e.episode_id and k.method = 'intent'
left join intents i on i.project = $project and i.intent_id = k.cluster_id
where e.project = $project and e.parent_episode_id is null
    and e.episode_id in (select episode_id from scrubbed where project = $project)
group by 1

-- name: not_seen_yet
-- Root episodes that no night has looked at.
select count(*) from current_episodes
where project = $project and parent_episode_id is null
    and episode_id not in (select episode_id from scrubbed where project = $project)
