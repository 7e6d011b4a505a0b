-- What is said of episodes beside their outcome: marks that look wrong, reasons of failures.

-- name: marked_episodes
-- An even sample of the labelled episodes whose request has a vector, one draw for ever each.
with units as (
    select episode_id, request, asked, skeleton from episode_units
    where project = $project and asked is not null
    qualify row_number() over (partition by episode_id order by revision desc) = 1
)
select
    e.episode_id, e.success::bigint as label, u.asked, u.skeleton,
    coalesce(c.cluster_id, u.request, u.asked)::varchar as "group"
from current_episodes e
join units u on u.episode_id = e.episode_id
left join unit_clusters c
    on c.project = $project and c.method = 'near' and c.unit_id = u.request
where e.project = $project and e.parent_episode_id is null and e.success is not null
order by md5($seed || ':' || e.episode_id), e.episode_id
limit $most;

-- name: common_recipe
-- Vectors of two recipes are never compared: the one that knows most of these texts.
select v.model
from text_units u semi join wanted w on w.unit_id = u.unit_id
join embeddings v on v.text_hash = u.text_hash
where u.project = $project
group by v.model
order by count(*) desc, v.model
limit 1;

-- name: skeleton_texts
select u.unit_id, u.text
from text_units u semi join wanted w on w.unit_id = u.unit_id
where u.project = $project and u.kind = 'skeleton'
order by u.unit_id;

-- name: failed_episodes
select e.episode_id, u.skeleton
from current_episodes e
left join (
    select episode_id, skeleton from episode_units where project = $project
    qualify row_number() over (partition by episode_id order by revision desc) = 1
) u on u.episode_id = e.episode_id
where e.project = $project and e.resolution = 'failure'
order by e.episode_id;

-- name: reasons
select value as reason, any_value(source) as source, count(*) as episodes,
    count(*) / sum(count(*)) over (partition by l.name) as share,
    min(l.episode_id) as example
from labels l
semi join (
    select episode_id from current_episodes where project = $project and resolution = 'failure'
) f on f.episode_id = l.episode_id
where l.project = $project and l.name = $name
group by l.name, value
order by episodes desc, reason
limit $most;

-- name: unsigned_failures
-- An even draw of the failures that nobody has looked at, in the order in which they were cut into
-- units, which is that of their arrival: a night over all finds the kinds of many nights.
with waiting as (
    select e.episode_id, e.revision, e.finish_reason, s.messages, u.rowid as place
    from failed f
    join current_episodes e on e.project = $project and e.episode_id = f.episode_id
    join scrubbed s
        on s.project = $project and s.episode_id = e.episode_id and s.revision = e.revision
    left join episode_units u
        on u.project = $project and u.episode_id = e.episode_id and u.revision = e.revision
    anti join signed g on g.episode_id = f.episode_id
    anti join (
        select key, revision from done
        where project = $project and step = $step and version = $version
    ) d on d.key = e.episode_id and d.revision = e.revision
    order by md5(e.episode_id), e.episode_id
    limit $most
)
from waiting order by place nulls last, episode_id;

-- name: last_words
select hash, body::varchar as body from scrubbed_messages semi join wanted using (hash);

-- name: kinds_of_failure
-- Their vectors are kept beside those of texts, under a name that their own name gives.
select distinct value as kind from labels
where project = $project and name = $name and source = $source
order by 1;

-- name: vectors_of_kinds
select w.kind, e.vector from wanted w
join embeddings e on e.text_hash = w.text_hash and e.model = $model
order by w.kind;

-- name: forget_kinds
-- Of episodes that are no failures any more, or have a signature by now, or were read otherwise.
delete from labels
where project = $project and name = $name and source = $source and (
    episode_id not in (select episode_id from failed)
    or episode_id in (select episode_id from signed)
    or exists (
        select 1 from done
        where project = $project and step = $step and version <> $version
    )
);

-- name: forget_failures_read
delete from done
where project = $project and step = $step and (
    version <> $version
    or key not in (select episode_id from failed)
    or key in (select episode_id from signed)
);

-- name: forget_labels_of
delete from labels
where project = $project and name = $name and source = $source
    and episode_id in (select episode_id from told);

-- name: with_reason
select count(distinct episode_id) as episodes from labels
where project = $project and name = $name;
