-- Who leads whom. A pair is a request in the words of users and the skeleton that answered it.

-- name: fresh_pairs
-- In the order in which episodes were cut, which is that of their arrival.
select p.unit_id, p.skeleton_id
from (
    select asked as unit_id, skeleton as skeleton_id, min(rowid) as place
    from episode_units
    where project = $project and asked is not null and skeleton is not null
    group by asked, skeleton
) p
anti join (
    select unit_id, skeleton_id from leaders where project = $project and model = $recipe
) l on l.unit_id = p.unit_id and l.skeleton_id = p.skeleton_id
order by p.place

-- name: standing_leaders
-- In the order in which they became leaders.
select l.unit_id, l.skeleton_id
from leaders l semi join wanted w on w.skeleton_id = l.skeleton_id
where l.project = $project and l.model = $recipe and l.leader_id = l.unit_id
order by l.rowid

-- name: telling_tools
-- Tool definitions that say whether they change something, once for each context.
with contexts as (
    select distinct u.context from episode_units u
    semi join wanted w on w.unit_id = u.asked and w.skeleton_id = u.skeleton
    where u.project = $project and u.context is not null
),
told as (
    select t.episode_id from text_units t semi join contexts c on c.context = t.unit_id
    where t.project = $project
)
select distinct e.tools::varchar as tools
from episodes e semi join told using (episode_id)
where e.project = $project and contains(e.tools::varchar, 'Hint"')

-- name: semantic_clusters
-- A cluster is named by its leader and the skeleton; the episode that asked first represents it.
with led as (
    select c.episode_id, l.leader_id, l.cosine, l.skeleton_id, l.unit_id, u.rowid as place
    from current_episodes c
    join episode_units u
        on u.project = $project and u.episode_id = c.episode_id and u.revision = c.revision
    join leaders l on l.project = $project and l.model = $recipe
        and l.unit_id = u.asked and l.skeleton_id = u.skeleton
    where c.project = $project and l.leader_id is not null
),
ranked as (
    select *,
        row_number() over (
            partition by leader_id, skeleton_id order by unit_id <> leader_id, place
        ) as rank,
        count(*) over (partition by leader_id, skeleton_id) as size
    from led
)
select $project as project, 'semantic' as method,
    'sm_' || r.text_hash || '_' || left(s.text_hash, 8) as cluster_id, ranked.episode_id,
    rank = 1 as representative, cosine as similarity, rank, 1 / size as weight
from ranked
join text_units r on r.project = $project and r.unit_id = leader_id
join text_units s on s.project = $project and s.unit_id = skeleton_id
