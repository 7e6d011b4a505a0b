-- name: lay
-- Caches: both can be made again from the texts.
create temp table if not exists minhash_sig (algo varchar, unit_id bigint, sig blob);
create temp table if not exists lsh_band (algo varchar, band tinyint, key bigint, unit_id bigint);

-- name: candidates
-- A star to the oldest of a bucket, not all pairs. The oldest stays so when younger units come:
-- nights in sequence equal one batch.
with stored as (
    select band, key, min(unit_id) as oldest
    from lsh_band semi join new_band using (band, key)
    where algo = $algo
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
