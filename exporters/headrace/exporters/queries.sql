-- Statements of the exporters room.

-- name: standings
with decided as (
    select episode_id, step, kept, reason, because_of, revision
    from decisions
    where project = $project and step in ('dedupe', 'decontaminate', 'screen')
    qualify row_number() over (
        partition by episode_id, step order by "at" desc, kept, reason, because_of
    ) = 1
),
grouped as (
    select episode_id, method, min(cluster_id) as cluster_id
    from clusters where project = $project group by episode_id, method
),
sided as (
    select c.episode_id,
        min(s.split) as split, -- `eval` sorts first: in doubt it wins
        min(c.cluster_id) as grp
    from clusters c
    join splits s on s.project = $project and s.group_id = c.cluster_id
    where c.project = $project and c.method = 'group'
    group by c.episode_id
)
select
    e.episode_id,
    s.split,
    -- What was judged is one revision: a later one waits for the next night.
    c.episode_id is not null and coalesce(c.revision = e.revision, true) as decontaminated,
    case when not c.kept then c.reason end as contamination,
    case when not c.kept then c.because_of end as because_of,
    case when not x.kept then x.reason end as screened,
    case when not d.kept then d.because_of end as duplicate_of,
    r.cluster_id as request,
    s.grp as "group"
from current_episodes e
left join sided s on s.episode_id = e.episode_id
left join decided c on c.episode_id = e.episode_id and c.step = 'decontaminate'
left join decided x on x.episode_id = e.episode_id and x.step = 'screen'
left join decided d on d.episode_id = e.episode_id and d.step = 'dedupe'
left join grouped r on r.episode_id = e.episode_id and r.method = 'request'
where e.project = $project;

-- name: facts
-- What the filters of a recipe may ask about episodes: as they were scrubbed, and what they came to.
with found as (
    select episode_id, method, min(cluster_id) as cluster_id
    from clusters where project = $project and method in ('intent', 'request')
    group by episode_id, method
)
select
    e.episode_id, e.parent_episode_id, e.conversation_id, e.user_id, e.release, e.model, e.agent,
    coalesce(nullif(e.metadata ->> '$.intent', ''), i.name, k.cluster_id) as intent,
    e.request, e.started_at, e.ended_at, e.turns, e.tool_calls, e.input_tokens, e.output_tokens,
    e.cost_usd, e.latency_ms, e.finish_reason, e.defects, e.metadata::varchar as metadata,
    e.resolution, e.success, e.score, e.resolved_by, e.p_success, r.cluster_id as cluster
from scrubbed_episodes e
left join found k on k.episode_id = e.episode_id and k.method = 'intent'
left join intents i on i.project = e.project and i.intent_id = k.cluster_id
left join found r on r.episode_id = e.episode_id and r.method = 'request'
where e.project = $project;

-- name: metadata
-- As it came and as it was scrubbed: what stands for the name of a customer is another name.
select e.episode_id, e.metadata::varchar as came, s.metadata::varchar as scrubbed
from current_episodes e
left join scrubbed s
    on s.project = e.project and s.episode_id = e.episode_id and s.revision = e.revision
where e.project = $project;

-- name: unscrubbed
-- Current episodes whose standing revision holds personal data still, as far as is known.
select e.episode_id from current_episodes e
anti join scrubbed s
    on s.project = e.project and s.episode_id = e.episode_id and s.revision = e.revision
where e.project = $project;

-- name: pairs
select p.chosen, p.rejected, p.turn, p.margin, max(m.body)::varchar as corrected
from pairs p left join scrubbed_messages m on m.hash = p.correction
where p.project = $project
group by p.pair_id, p.chosen, p.rejected, p.turn, p.margin
order by p.pair_id;

-- name: pairless
select episode_id, reason, because_of from decisions
where project = $project and step = 'pair' and not kept;

-- name: rates
select
    c.cluster_id as request,
    count(*) filter (e.resolution = 'success') as passed,
    count(*) as samples,
    coalesce(list_sort(list(distinct e.model) filter (e.model is not null)), []) as models
from (
    select episode_id, min(cluster_id) as cluster_id from clusters
    where project = $project and method = 'request' group by episode_id
) c
join current_episodes e on e.project = $project and e.episode_id = c.episode_id
where e.resolution in ('success', 'failure')
group by c.cluster_id;

-- name: corrections
select p.rejected as episode_id, p.turn, max(m.body)::varchar as message
from pairs p join scrubbed_messages m on m.hash = p.correction
where p.project = $project
group by p.pair_id, p.rejected, p.turn
qualify row_number() over (partition by p.rejected order by p.turn desc, p.pair_id) = 1;

-- name: suites
select suite, count(*) as cases from cases
where project = $project and retired_at is null
group by suite order by suite;

-- name: curation
select step, reason, count(*) as episodes
from (
    select step, episode_id, kept, reason from decisions
    where project = $project and step in ('dedupe', 'decontaminate')
        and episode_id in (select episode_id from current_episodes where project = $project)
    qualify row_number() over (
        partition by episode_id, step order by "at" desc, kept, reason
    ) = 1
)
where not kept
group by step, reason order by step, reason;

-- name: scrub_rules
select version, count(*) as episodes from scrubbed
where project = $project and episode_id in (select unnest($episodes::varchar[]))
group by version order by version;

-- name: scrub_places
select kind, sum(places)::bigint as places
from (
    select unnest(map_keys(found)) as kind, unnest(map_values(found)) as places
    from (
        select from_json(found, '"MAP(VARCHAR, BIGINT)"') as found from scrubbed
        where project = $project and episode_id in (select unnest($episodes::varchar[]))
    )
)
group by kind order by kind;

-- name: readiness
select state, "at" from verdicts
where project = $project and kind = 'readiness'
order by "at" desc, verdict_id limit 1;

-- name: built
select snapshot_id from datasets
where project = $project and name = $name and version = $version
order by "at" limit 1;

-- name: forget_decisions
delete from decisions
where project = $project and step = 'export' and version = $version;

-- name: datasets
select * from datasets where project = $project order by "at", name, version;

-- name: pushed
update datasets set hub_repo = $repo, hub_revision = $revision
where project = $project and name = $name and version = $version;

-- name: parent
-- The version for the same objective that stood when this one was first built.
select version from datasets
where project = $project and name = $name and objective = $objective and version <> $version
    and snapshot_id < $snapshot
order by snapshot_id desc, "at" desc, version limit 1;

-- name: suite_marks
-- What was asked and how it is scored, as one hash: another hash is another suite.
select
    suite,
    sha256(string_agg(
        sha256(json_array(case_id, scorer, input::varchar, target::varchar)::varchar),
        '' order by case_id
    )) as hash,
    list_sort(list(distinct scorer) filter (scorer is not null)) as scorers
from cases
where project = $project and retired_at is null
group by suite order by suite;

-- name: groups
select split, count(*) as groups from splits where project = $project
group by split order by split;

-- name: holdings
with subjects as (
    select distinct project, episode_id from episodes
    where user_id = $user or conversation_id = $conversation or episode_id = $episode
    union
    select project, $episode as episode_id from datasets where $episode is not null
),
held as (
    select m.project, m.name, m.version, m.row_id, m.split, unnest(m.episode_ids) as episode_id
    from members m
    where $project::varchar is null or m.project = $project
)
select
    d.project, d.name, d.version, d.objective, d."at", d.hub_repo, d.hub_revision,
    list_sort(list(distinct h.row_id)) as row_ids,
    list_sort(list(distinct h.split)) as splits,
    list_sort(list(distinct h.episode_id)) as episode_ids
from held h
join subjects s on s.project = h.project and s.episode_id = h.episode_id
join datasets d on d.project = h.project and d.name = h.name and d.version = h.version
group by all
order by d.project, d."at", d.name, d.version;

-- name: version_members
select row_id, split, episode_ids from members
where project = $project and name = $name and version = $version;

-- name: versions
select * from datasets
where ($project::varchar is null or project = $project) and (name = $word or version = $word)
order by "at" desc, project, name;

-- name: fates
-- Why an episode is in no row of the last build for an objective; absent: it is in one, or unknown.
select e.episode_id, coalesce(d.reason, case when c.episode_id is null then 'gone' end) as reason
from (select unnest($episodes::varchar[]) as episode_id) e
left join (
    select episode_id, reason from decisions
    where project = $project and step = 'export' and version = $objective and not kept
) d on d.episode_id = e.episode_id
left join (select episode_id from current_episodes where project = $project) c
    on c.episode_id = e.episode_id;
