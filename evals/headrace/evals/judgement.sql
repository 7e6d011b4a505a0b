-- What judges are asked about episodes, and what they said.

-- name: to_judge
-- Episodes whose present revision this judge was not asked about, in the order in which it is: an
-- even draw first, which alone speaks of all; then those that are disputed, and of each cluster of
-- equal requests one, the largest first. A call that broke off is made again. An episode's draw is
-- its own for ever, so that several nights draw what one night over all would.
with asked as (
    select episode_id, revision from judgements
    where project = $project and judge_hash = $judge and (error is null or explanation is not null)
),
known as (
    select
        e.episode_id, e.revision, md5($judge || ':' || e.episode_id) as draw,
        e.resolution = 'conflicting' or coalesce(e.p_success > 0.1 and e.p_success < 0.9, false)
            as disputed,
        coalesce(c.cluster_id, u.request) as cluster
    from current_episodes e
    join scrubbed s
        on s.project = e.project and s.episode_id = e.episode_id and s.revision = e.revision
    left join episode_units u on u.project = e.project and u.episode_id = e.episode_id
    left join unit_clusters c
        on c.project = e.project and c.method = 'near' and c.unit_id = u.request
    where e.project = $project and e.parent_episode_id is null and len(s.messages) > 0
),
sized as (
    select
        *,
        case when cluster is null then 1 else count(*) over (partition by cluster) end as size,
        row_number() over (partition by coalesce(cluster::varchar, episode_id) order by draw) as place
    from known
),
counted as (select count(*) as episodes from known),
left_over as (
    select s.* from sized s anti join asked a
        on a.episode_id = s.episode_id and a.revision = s.revision
)
select
    l.episode_id, l.revision, l.draw, l.disputed, l.place = 1 as first, l.size, c.episodes,
    c.episodes - (select count(*) from left_over) as judged
from left_over l, counted c
order by l.draw;

-- name: conversations_to_judge
select e.episode_id, e.revision, s.messages
from current_episodes e
join scrubbed s
    on s.project = e.project and s.episode_id = e.episode_id and s.revision = e.revision
where e.project = $project and e.episode_id in (select unnest($episodes::varchar[]));

-- name: judged_messages
select hash, body::varchar as body from scrubbed_messages
where hash in (select unnest($hashes::varchar[]));
