-- Statements about what was exported.

-- name: exported_before
select count(*) as rows from members where project = $project and split = 'train';

-- name: exported
-- The episodes that a data set trains on, of those named or in the groups named, with the number of
-- its versions that do. A data set may name an episode by an id that was superseded since.
with trained as (
    select name, version, unnest(episode_ids) as episode_id from members
    where project = $project and split = 'train'
)
select t.episode_id, t.name as dataset, count(distinct t.version) as versions,
    any_value(g.cluster_id) as "group"
from trained t
left join clusters g
    on g.project = $project and g.method = 'group' and g.episode_id = t.episode_id
where t.episode_id in (select unnest($episodes::varchar[]))
    or g.cluster_id in (select unnest($groups::varchar[]))
group by t.episode_id, t.name
order by t.name, t.episode_id;
