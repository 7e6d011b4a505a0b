-- What judges are asked about episodes, and what they said.

-- name: judged_so_far
select count(*) as episodes, count(j.episode_id) as judged
from current_episodes e
join scrubbed s
    on s.project = e.project and s.episode_id = e.episode_id and s.revision = e.revision
left join (
    select distinct episode_id, revision from judgements
    where project = $project and judge_hash = $judge and (error is null or explanation is not null)
) j on j.episode_id = e.episode_id and j.revision = e.revision
where e.project = $project and e.parent_episode_id is null and len(s.messages) > 0;

-- name: to_judge
-- Episodes whose present revision this judge was not asked about: an even draw, which alone speaks
-- of all; and those that tell most, which are disputed, or one of a cluster of equal requests, the
-- largest first. A call that broke off is made again. An episode's draw is its own for ever, so that
-- several nights draw what one night over all would.
with asked as (
    select episode_id, revision from judgements
    where project = $project and judge_hash = $judge and (error is null or explanation is not null)
),
known as (
    select
        e.episode_id, e.revision, md5($judge || ':' || e.episode_id) as draw,
        e.resolution = 'conflicting' or coalesce(e.p_success > 0.1 and e.p_success < 0.9, false)
            as disputed,
        coalesce(c.cluster_id::varchar, u.request::varchar, e.episode_id) as cluster
    from current_episodes e
    join scrubbed s
        on s.project = e.project and s.episode_id = e.episode_id and s.revision = e.revision
    left join episode_units u
        on u.project = e.project and u.episode_id = e.episode_id and u.revision = e.revision
    left join unit_clusters c
        on c.project = e.project and c.method = 'near' and c.unit_id = u.request
    where e.project = $project and e.parent_episode_id is null and len(s.messages) > 0
),
sized as (
    select
        *, count(*) over (partition by cluster) as size,
        row_number() over (partition by cluster order by draw) as place
    from known
),
left_over as (
    select s.* from sized s anti join asked a
        on a.episode_id = s.episode_id and a.revision = s.revision
),
even as (select episode_id, draw from left_over order by draw limit $even),
telling as (
    select episode_id, disputed, place, size, draw from left_over anti join even using (episode_id)
    order by disputed desc, place > 1, size desc, draw
    limit $rest
)
select episode_id from (
    select episode_id, true as drawn, false as disputed, 1 as place, 0 as size, draw from even
    union all
    select episode_id, false, disputed, place, size, draw from telling
)
order by drawn desc, disputed desc, place > 1, size desc, draw;

-- name: conversations_to_judge
select e.episode_id, e.revision, s.messages
from current_episodes e
join scrubbed s
    on s.project = e.project and s.episode_id = e.episode_id and s.revision = e.revision
where e.project = $project and e.episode_id in (select unnest($episodes::varchar[]));

-- name: judged_messages
select hash, body::varchar as body from scrubbed_messages
where hash in (select unnest($hashes::varchar[]));
