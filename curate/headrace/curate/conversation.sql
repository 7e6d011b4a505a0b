-- Statements that read episodes whole.

-- name: conversations
-- Nothing is shown of what was said in an episode before it is scrubbed.
select
    e.* replace (
        coalesce(s.messages, []) as messages,
        case when s.messages is null then [] else e.trainable end as trainable,
        coalesce(s.request, '') as request,
        coalesce(s.metadata, '{}') as metadata
    ),
    s.messages is not null as scrubbed, coalesce(d.kept, true) as representative
from current_episodes e
left join scrubbed s
    on s.project = $project and s.episode_id = e.episode_id and s.revision = e.revision
left join decisions d
    on d.project = $project and d.episode_id = e.episode_id and d.step = 'dedupe'
where e.project = $project and (s.messages is not null or $waiting)
order by e.started_at nulls last, e.episode_id;

-- name: message_bodies
select hash, body from scrubbed_messages where hash in (select unnest($hashes::varchar[]));
