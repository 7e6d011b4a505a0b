-- Vectors of requests. A text has one vector for each recipe, whatever project it stands in.

-- name: requests
-- The oldest text that each repeats, as far as that was known when it came: itself where there is
-- none. Edges go from a younger text to older ones and never change.
select u.unit_id, coalesce(min(e.a), u.unit_id) as repeats
from text_units u
left join (
    select b, a from edges where project = $project and kind = 'near' and score >= $least
) e on e.b = u.unit_id
where u.project = $project and u.kind = 'request'
group by u.unit_id
order by u.unit_id

-- name: asked
select distinct asked as unit_id from episode_units
where project = $project and asked is not null
order by 1

-- name: missing_vectors
select u.unit_id
from text_units u semi join wanted w on w.unit_id = u.unit_id
anti join (select text_hash from embeddings where model = $recipe) e on e.text_hash = u.text_hash
where u.project = $project
order by u.unit_id

-- name: texts
select u.text_hash, u.text
from text_units u semi join wanted w on w.unit_id = u.unit_id
where u.project = $project
order by u.unit_id

-- name: vectors
select u.unit_id, e.vector
from text_units u semi join wanted w on w.unit_id = u.unit_id
join embeddings e on e.text_hash = u.text_hash and e.model = $recipe
where u.project = $project
order by u.unit_id

-- name: store_vectors
insert into embeddings by name
select text_hash, $recipe as model, vector
from batch anti join (select text_hash from embeddings where model = $recipe) e using (text_hash)
