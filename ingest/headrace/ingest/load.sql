-- name: current_contents
select episode_id, max(revision) as revision,
    arg_max(json_extract_string(metadata, '$."headrace.content"'), revision) as content
from episodes
where project = $project and episode_id in (select unnest($ids::varchar[]))
group by episode_id;

-- name: known_marks
select outcome_id, success, score
from outcomes
where project = $project and outcome_id in (select unnest($ids::varchar[]));

-- name: standing_marks
select project, outcome_id, "at" from outcomes
where outcome_id in (select unnest($ids::varchar[]));
