-- name: lay
-- Caches: both can be made again from the texts.
create temp table if not exists minhash_sig (algo varchar, unit_id bigint, sig blob);
create temp table if not exists lsh_band (algo varchar, band tinyint, key bigint, unit_id bigint);

-- name: candidates
-- A star to the oldest of a bucket, not all pairs, and an edge to the one before: boilerplate puts
-- strangers into many buckets, and where the oldest is one, two alike would never be compared. Both
-- ends stay what they are when younger units come, so that nights in sequence equal one batch.
with stored as (
    select band, key, min(unit_id) as oldest, max(unit_id) as latest
    from lsh_band semi join new_band using (band, key)
    where algo = $algo
    group by band, key
),
buckets as (
    select band, key from stored
    union
    select band, key from new_band group by band, key having count(*) > 1
),
shared as (
    select band, key, unit_id,
        min(unit_id) over (partition by band, key) as first,
        lag(unit_id) over (partition by band, key order by unit_id) as before
    from new_band semi join buckets using (band, key)
),
pairs as (
    select unnest([coalesce(oldest, first), coalesce(before, latest)]) as a, unit_id as b
    from shared left join stored using (band, key)
)
select distinct a, b from pairs where a < b order by a, b

-- name: store_signatures
insert into minhash_sig select $algo, unit_id, sig from new_sig

-- name: store_bands
insert into lsh_band select $algo, band, key, unit_id from new_band

-- name: stored_signatures
select unit_id, sig from minhash_sig semi join wanted using (unit_id) where algo = $algo

-- name: templates
-- Buckets touched tonight that hold more units than anybody would write by hand.
select band, key, min(unit_id) as oldest, count(*) as units
from lsh_band semi join new_band using (band, key)
where algo = $algo
group by band, key
having count(*) > $most
order by band, key
