-- Screens: what is held back until a person has looked at it.

-- name: forget_hits
delete from labels
where project = $project and name = 'screen' and episode_id in (select episode_id from looked);

-- name: new_hits
insert into labels (project, episode_id, name, value, source, "at")
select $project, episode_id, 'screen', pattern, 'rule', $now::timestamptz from hits;

-- name: speakers
-- Who has spoken most, users and tenants, and how many episodes there are.
with said as (
    select user_id, metadata ->> $tenant as tenant from scrubbed_episodes where project = $project
)
select kind, name, episodes, sum(episodes) over (partition by kind)::bigint as total
from (
    select 'user' as kind, user_id as name, count(*) as episodes from said group by user_id
    union all
    select 'tenant', tenant, count(*) from said group by tenant
)
qualify row_number() over (
    partition by kind order by name is null, episodes desc, name
) <= $most
order by kind, episodes desc, name;

-- name: beyond_share
-- Which episodes of a speaker are too many: by the hash of their names, so that the same ones stay
-- when others come.
select episode_id
from scrubbed_episodes
where project = $project
    and case $kind when 'user' then user_id else metadata ->> $tenant end in (
        select unnest($names::varchar[])
    )
qualify row_number() over (
    partition by case $kind when 'user' then user_id else metadata ->> $tenant end
    order by md5(episode_id), episode_id
) > $cap;

-- name: scored_and_judged
-- Scores of those who saw what came of an episode, beside what a judge gave it.
with latest as (
    select episode_id, name, value
    from judgements
    where project = $project and value is not null
    qualify row_number() over (
        partition by episode_id, name, judge_hash order by revision desc, "at" desc
    ) = 1
)
select l.name, r.episode_id, r.score, avg(l.value) as judged
from latest l
join scrubbed_episodes r on r.project = $project and r.episode_id = l.episode_id
where r.score is not null and r.resolved_by in ('human', 'product', 'user', 'rule')
group by l.name, r.episode_id, r.score
order by l.name, r.episode_id;

-- name: screen_decisions
-- Of several reasons the first of `screens` is told. A person who labelled an episode has looked at
-- it, and clears it of all that was no flag; nobody clears a share.
with current as (
    select episode_id, revision, resolution, resolved_by from scrubbed_episodes
    where project = $project
),
reviewed as (
    select episode_id, reviewer, action, revision
    from reviews where project = $project and action <> 'skip'
    qualify row_number() over (partition by episode_id, reviewer order by "at" desc, action) = 1
),
looks as (
    select
        c.episode_id, bool_or(r.action = 'flag') as flagged,
        bool_or(r.action <> 'flag' and coalesce(r.revision, c.revision) = c.revision) as cleared
    from reviewed r join current c on c.episode_id = r.episode_id
    group by c.episode_id
),
claims as ( -- what models say of their own work
    select episode_id, value from votes
    where project = $project and source = 'model'
    qualify row_number() over (
        partition by episode_id, name, author order by "at" desc, value
    ) = 1
),
found as (
    select episode_id, 'flagged' as reason from looks where flagged
    union
    select l.episode_id, p.screen
    from labels l join patterns p on p.pattern = l.value
    where l.project = $project and l.name = 'screen'
    union
    select c.episode_id, 'self_scoring'
    from current c join claims m on m.episode_id = c.episode_id
    where m.value = 1 and (
        c.resolved_by = 'model'
        or c.resolution = 'failure' and c.resolved_by not in ('human', 'product', 'user', 'rule')
    )
    union
    select episode_id, 'score_outlier' from outliers
    union
    select episode_id, 'heavy_user' from heavy
),
held as (
    select
        c.episode_id, c.revision, f.reason, s.rank,
        coalesce(k.cleared, false) and f.reason not in ('flagged', 'heavy_user') as cleared
    from found f
    join current c on c.episode_id = f.episode_id
    join screens s on s.screen = f.reason
    left join looks k on k.episode_id = f.episode_id
    qualify row_number() over (partition by c.episode_id order by cleared, s.rank) = 1
)
select
    $project as project, 'screen' as step, $version as version, episode_id, cleared as kept,
    case when cleared then 'cleared:' || reason else reason end as reason,
    null::varchar as because_of, null::double as similarity, $now::timestamptz as "at", revision
from held;

-- name: screened_population
select count(*) as episodes from scrubbed_episodes where project = $project;
