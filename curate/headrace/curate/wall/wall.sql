-- What is read to tell which episodes give an eval case away.

-- name: live_cases
select case_id, input::varchar as input, origin_episode_id, origin::varchar as origin from cases
where project = $project and retired_at is null
order by case_id

-- name: looked_at
-- Cases and marks that a step has dealt with.
select key, revision from done
where project = $project and step = $step and version = $version and starts_with(key, $prefix)

-- name: forget_mark
delete from done where project = $project and step = $step and key = $key

-- name: stored
-- Scrubbed episodes as they stand; those that the step has looked at, or all.
with latest as (
    select episode_id, revision, superseded from episodes where project = $project
    qualify row_number() over (partition by episode_id order by revision desc) = 1
)
select l.episode_id, l.revision, s.rowid as scrubbed
from latest l
join scrubbed s on s.project = $project and s.episode_id = l.episode_id and s.revision = l.revision
left join (
    select key, revision from done
    where project = $project and step = $step and version = $version
) d on d.key = l.episode_id and d.revision = l.revision
where not l.superseded and ($every or d.key is not null)
order by s.rowid

-- name: requests_of_places
select w.n, s.messages, s.request
from wanted w join scrubbed s on s.rowid = w.scrubbed
where get_bit($blocks::bit, least(s.rowid // $rows, $behind)::integer) = 1
order by w.n

-- name: places_of_messages
select m.hash, max(m.rowid) as place, any_value(m.role) as role
from scrubbed_messages m semi join wanted w on w.hash = m.hash
group by m.hash
order by place

-- name: bodies_of_places
select m.rowid as place, m.body::varchar as body
from scrubbed_messages m semi join wanted w on w.place = m.rowid
where get_bit($blocks::bit, least(m.rowid // $rows, $behind)::integer) = 1
order by m.rowid

-- name: overlaps
select o.case_id, o.episode_id, o.rule, o.starts from eval_overlaps o
semi join live l on l.case_id = o.case_id
where o.project = $project

-- name: forget_overlaps
-- Another revision says something else.
delete from eval_overlaps
where project = $project and episode_id in (select episode_id from told)

-- name: episodes
-- A unit that is in no cluster is one of its own.
select
    e.episode_id, e.revision, g.cluster_id as "group", s.split, u.asked,
    coalesce(n.cluster_id, u.asked) as near
from current_episodes e
left join (
    select episode_id, min(cluster_id) as cluster_id from clusters
    where project = $project and method = 'group' group by episode_id
) g on g.episode_id = e.episode_id
left join splits s on s.project = $project and s.group_id = g.cluster_id
left join episode_units u
    on u.project = $project and u.episode_id = e.episode_id and u.revision = e.revision
left join unit_clusters n
    on n.project = $project and n.method = 'near' and n.unit_id = u.asked
where e.project = $project

-- name: origins
-- The group of the episode that a case was grown from, superseded as it may be.
select episode_id, min(cluster_id) as "group" from clusters semi join wanted using (episode_id)
where project = $project and method = 'group'
group by episode_id

-- name: units_of_shapes
select w.item, u.unit_id
from wanted w join text_units u on u.text_hash = w.text_hash
where u.project = $project and u.kind = 'request'

-- name: units_in_buckets
-- Of a bucket with very many the oldest stands for all.
select distinct item, unit_id from (
    select w.item, b.unit_id
    from wanted w join lsh_bands b on b.band = w.band and b.key = w.key
    where b.project = $project and b.algo = $algo
    qualify row_number() over (partition by w.item, b.band, b.key order by b.unit_id) <= $most
)
order by item, unit_id

-- name: signatures
select unit_id, signature from minhash_signatures semi join wanted using (unit_id)
where project = $project and algo = $algo
order by unit_id

-- name: clusters_of_units
select w.unit_id, coalesce(c.cluster_id, w.unit_id) as near
from wanted w left join unit_clusters c
    on c.project = $project and c.method = 'near' and c.unit_id = w.unit_id

-- name: agreements
-- Of the recipe of vectors that requests were last held against cases by: another one's are stale.
select a.unit_id, a.case_id, a.cosine, a.total, a.rule, a.judged from eval_agreements a
semi join live l on l.case_id = a.case_id
semi join done d
    on d.project = a.project and d.step = $step and d.key = $key and d.version = $agree || a.model
where a.project = $project
order by a.unit_id, a.case_id

-- name: add_agreements
-- What a judge said of two texts holds whatever their vectors are.
insert into eval_agreements by name
select found.*, j.judged, j.judge_hash
from found
left join (
    select unit_id, case_id, any_value(judged) as judged, any_value(judge_hash) as judge_hash
    from eval_agreements where project = $project and judged is not null
    group by unit_id, case_id
) j on j.unit_id = found.unit_id and j.case_id = found.case_id
anti join eval_agreements a
    on a.project = $project and a.model = found.model and a.unit_id = found.unit_id
    and a.case_id = found.case_id

-- name: judge_agreements
update eval_agreements set judged = v.judged, judge_hash = $judge
from verdicts v
where eval_agreements.project = $project and eval_agreements.unit_id = v.unit_id
    and eval_agreements.case_id = v.case_id

-- name: any_vectors
select 1 from embeddings limit 1

-- name: requests_of_units
-- As the first to ask worded it, without personal data; else as it was masked.
with first as (
    select asked, min(rowid) as place from episode_units
    where project = $project and asked in (select unit_id from wanted)
    group by asked
)
select u.unit_id, coalesce(s.request, u.text) as text
from wanted w
join text_units u on u.project = $project and u.unit_id = w.unit_id
left join first f on f.asked = w.unit_id
left join episode_units e on e.project = $project and e.rowid = f.place
left join scrubbed s
    on s.project = $project and s.episode_id = e.episode_id and s.revision = e.revision
order by u.unit_id

-- name: vectors_of_texts
select text_hash, vector from embeddings semi join wanted using (text_hash)
where model = $recipe
order by text_hash

-- name: exported
-- Which episodes a data set trains on.
select distinct unnest(episode_ids) as episode_id from members
where project = $project and split = 'train'

-- name: quarantined
select * from decisions
where project = $project and step = 'decontaminate' and reason = 'quarantined'

-- name: burned
select h.case_id, m.name as dataset, count(distinct m.version) as versions,
    count(distinct h.episode_id) as episodes, min(h.episode_id) as episode_id,
    arg_min(h.rule, h.episode_id) as rule
from eval_hits h join (
    select name, version, unnest(episode_ids) as episode_id from members
    where project = $project and split = 'train'
) m on m.episode_id = h.episode_id
where h.project = $project and h.verdict = 'burned'
group by h.case_id, m.name
order by h.case_id, m.name

-- name: forget_cases
-- A changed case keeps its name.
delete from eval_overlaps
where project = $project and case_id in (select case_id from live)

-- name: reasons
select d.reason, d.kept, count(*) as episodes
from decisions d semi join current_episodes e
    on e.project = $project and e.episode_id = d.episode_id
where d.project = $project and d.step = 'decontaminate'
group by d.reason, d.kept
order by episodes desc, d.reason
