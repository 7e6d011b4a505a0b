-- Signatures, bands, edges and clusters of one project. Signatures and bands are caches: both can be
-- made again from the texts.

-- name: candidates
-- A star to the oldest of a bucket, not all pairs. The oldest stays so when younger units come:
-- nights in sequence equal one batch.
with stored as (
    select band, key, min(unit_id) as oldest
    from lsh_bands semi join new_band using (band, key)
    where project = $project and algo = $algo
    group by band, key
),
fresh as (
    select band, key, min(unit_id) as oldest, count(*) as units
    from new_band
    group by band, key
),
buckets as (
    select band, key, coalesce(stored.oldest, fresh.oldest) as oldest
    from fresh left join stored using (band, key)
    where fresh.units > 1 or stored.oldest is not null
)
select distinct oldest as a, unit_id as b
from new_band join buckets using (band, key)
where oldest < unit_id
order by a, b

-- name: store_signatures
insert into minhash_signatures by name
select $project as project, $algo as algo, unit_id, signature from new_signature

-- name: store_bands
insert into lsh_bands by name
select $project as project, $algo as algo, band, key, unit_id from new_band

-- name: youngest
select max(unit_id) from minhash_signatures where project = $project and algo = $algo

-- name: stored_signatures
select unit_id, signature from minhash_signatures semi join wanted using (unit_id)
where project = $project and algo = $algo

-- name: templates
-- Buckets touched tonight that hold more units than anybody would write by hand.
select band, key, min(unit_id) as oldest, count(*) as units
from lsh_bands semi join new_band using (band, key)
where project = $project and algo = $algo
group by band, key
having count(*) > $most
order by band, key

-- name: store_edges
insert into edges by name
select $project as project, a, b, 'near' as kind, score, $algo as algo, $at as "at" from new_edge

-- name: clusters_of
select unit_id, cluster_id from unit_clusters semi join wanted using (unit_id)
where project = $project and method = $method

-- name: members_of_renamed
select u.unit_id, r.new as cluster_id from unit_clusters u join renamed r on r.old = u.cluster_id
where u.project = $project and u.method = $method

-- name: forget_renamed
delete from unit_clusters
where project = $project and method = $method and cluster_id in (select old from renamed)

-- name: store_members
insert into unit_clusters by name
select $project as project, $method as method, unit_id, cluster_id from member
