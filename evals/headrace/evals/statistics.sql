-- Statements for trends, success rates and readiness.

-- name: suites
-- Suites with at least one complete run.
select distinct suite from runs where project = $project and status = 'success' order by suite;

-- name: series
-- Scorer identities of a suite, the best measured first; identities never mix.
with released as (
    select release, min("at") as "at" from releases where project = $project group by release
), measured as (
    select s.scorer, r.judge_hash, r.release, s.case_id, s.value, r.started_at,
        coalesce(l."at", r.started_at) as released_at
    from runs r
    join scores s on s.run_id = r.run_id
    left join released l on l.release = r.release
    where r.project = $project and r.suite = $suite and r.status = 'success'
)
select scorer, judge_hash,
    count(distinct release) filter (value is not null) as releases,
    count(distinct case_id) filter (value is not null) as cases,
    max_by(release, (released_at, release)) as newest, max(released_at) as newest_at
from measured
group by scorer, judge_hash
order by releases desc, cases desc, max(started_at) desc, scorer, judge_hash;

-- name: scored_releases
-- Which releases each scorer has scores of, oldest first.
with released as (
    select release, min("at") as "at" from releases where project = $project group by release
)
select s.scorer, r.judge_hash, r.release, count(distinct s.case_id) as cases
from runs r
join scores s on s.run_id = r.run_id
left join released l on l.release = r.release
where r.project = $project and r.suite = $suite and r.status = 'success' and s.value is not null
group by s.scorer, r.judge_hash, r.release
order by coalesce(min(l."at"), min(r.started_at)), r.release;

-- name: empty_runs
-- Releases of complete runs that left no scores at all, oldest first.
select r.release, min(r.started_at) as "at"
from runs r
left join scores s on s.run_id = r.run_id
where r.project = $project and r.suite = $suite and r.status = 'success' and s.run_id is null
group by r.release
order by 2, 1;

-- name: series_scores
-- One row per attempt. Equal configurations are one release measured again, the earliest one;
-- releases stand in the order in which they came, whenever they were measured. A case that was
-- edited is another case; a case is judged up to its retirement.
with released as (
    select release, min("at") as "at" from releases where project = $project group by release
), measured as (
    select r.run_id, r.release, r.started_at, r.config_hash,
        coalesce(l."at", min(r.started_at) over (partition by r.release)) as released_at
    from runs r
    left join released l on l.release = r.release
    where r.project = $project and r.suite = $suite and r.status = 'success'
        and r.judge_hash is not distinct from $judge
), named as (
    select run_id, started_at, release as measured, config_hash,
        first_value(release) over same as release,
        first_value(released_at) over same as released_at
    from measured
    where run_id in (select run_id from scores where scorer = $scorer)
    window same as (
        partition by coalesce('config:' || config_hash, 'release:' || release)
        order by released_at, release
    )
), numbered as (
    select *, dense_rank() over (order by released_at, release) - 1 as number,
        dense_rank() over (order by started_at, run_id) - 1 as run
    from named
), versions as (
    select *, count(*) over (partition by case_id) as edits
    from cases where project = $project and suite = $suite
), asked as ( -- few beside their attempts
    select distinct n.run_id, n.started_at, s.case_id
    from numbered n
    join scores s on s.run_id = n.run_id and s.scorer = $scorer
), known as (
    select a.run_id, a.case_id, c.cluster, c.slice, c.retired_at,
        case when c.edits > 1 then c.case_id || '@' || c.content_hash else a.case_id end as edition
    from asked a
    left join versions c on c.case_id = a.case_id
    qualify row_number() over (
        partition by a.run_id, a.case_id
        order by c.added_at <= a.started_at desc,
            case when c.added_at <= a.started_at then c.added_at end desc, c.added_at
    ) = 1
)
select n.number as release, n.release as name, n.released_at as "at", n.run,
    k.edition as case_id, coalesce('of:' || k.cluster, 'case:' || k.edition) as cluster, k.slice,
    s.epoch, s.value, n.measured, n.config_hash
from scores s
join numbered n on n.run_id = s.run_id
join known k on k.run_id = s.run_id and k.case_id = s.case_id
where s.scorer = $scorer and (k.retired_at is null or k.retired_at > n.started_at)
order by 1, n.run;

-- name: root_episodes
-- Every root episode with its request cluster; releases in the order in which they came.
select e.release,
    coalesce(l."at", min(e.started_at) over (partition by e.release)) as "at",
    e.resolution, coalesce('request:' || c.cluster_id, 'episode:' || e.episode_id) as cluster
from current_episodes e
left join (
    select release, min("at") as "at" from releases where project = $project group by release
) l on l.release = e.release
left join clusters c
    on c.project = $project and c.episode_id = e.episode_id and c.method = 'request'
where e.project = $project and e.parent_episode_id is null
order by 2 nulls last, e.release nulls last, e.episode_id;

-- name: successes
-- Successes at each stage of what training can use, for one project.
with dropped as (
    select distinct episode_id,
        max(step = 'decontaminate') over (partition by episode_id) as leaked
    from (
        select step, episode_id, kept from decisions
        where project = $project and step in ('scrub', 'dedupe', 'decontaminate', 'screen')
        qualify row_number() over (partition by step, episode_id order by "at" desc) = 1
    )
    where not kept
), duplicate as (
    select distinct episode_id from clusters
    where project = $project and method = 'duplicate' and not representative
), held as (
    select distinct c.episode_id
    from clusters c
    join splits s on s.project = $project and s.group_id = c.cluster_id and s.split = 'eval'
    where c.project = $project and c.method = 'group'
)
select count(*) as successes,
    count(*) filter (episode_id in (select episode_id from held)) as held_for_evals,
    count(*) filter (
        episode_id not in (select episode_id from held)
        and episode_id not in (select episode_id from dropped)
        and episode_id not in (select episode_id from duplicate)
    ) as effective
from current_episodes
where project = $project and resolution = 'success';

-- name: release_hashes
select release, min("at") as "at", any_value(prompt_hash) as prompt_hash,
    any_value(tools_hash) as tools_hash
from releases where project = $project and "at" <= $now
group by release order by 2, release;
