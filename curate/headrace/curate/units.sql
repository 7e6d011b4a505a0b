-- Numbers of the texts that episodes are compared by.

-- name: known_units
select text_hash, min(unit_id) as unit_id from text_units semi join wanted using (text_hash)
where project = $project
group by text_hash

-- name: known_wordings
select wording, min(unit_id) as unit_id
from (
    select wording, request as unit_id from episode_units
    where project = $project and request is not null
    union all
    select words as wording, asked as unit_id from episode_units
    where project = $project and asked is not null
) semi join wanted using (wording)
group by wording

-- name: next_unit
select coalesce(max(unit_id), -1) + 1 from text_units where project = $project

-- name: forget_episodes
-- A later revision has other texts.
delete from episode_units
where project = $project and episode_id in (select episode_id from told)

-- name: log_merges
-- Of clusters that were there before tonight; those of tonight nobody has seen under another name.
insert into cluster_events by name
select $project as project, $method as method, old::varchar as old_id, new::varchar as new_id,
    'merge' as event, $at as "at"
from renamed join text_units u on u.project = $project and u.unit_id = renamed.old
where u."at" < $at
