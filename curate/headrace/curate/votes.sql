-- What was said of episodes, whole projects at a time. A voter is a source, name and author; a
-- witness is a voter's family, else its source and name.

-- name: heard
-- Votes that no outcome brought, each the last word of its voter. An outcome ends the silence of
-- its name. Opposite words of one moment cancel.
with voters as (
    select
        episode_id, origin, source, name, author, max(family) as family,
        max("at") filter (where value = 1) as yes_at,
        max("at") filter (where value = 0) as no_at,
        max("at") filter (where value is null) as back_at
    from votes
    where project = $project and origin <> 'outcome'
    group by all
),
spoken as (
    select distinct episode_id, source, name from marks where verdict is not null
)
select
    v.episode_id, v.origin, v.source, v.name, v.author, v.family,
    greatest(v.yes_at, v.no_at) as "at", coalesce(v.yes_at > v.no_at, v.yes_at is not null) as verdict
from voters v
left join spoken s
    on v.origin = 'silence' and s.episode_id = v.episode_id and s.source = v.source
    and s.name = v.name
where s.episode_id is null
    and v.yes_at is distinct from v.no_at
    and coalesce(greatest(v.yes_at, v.no_at) > v.back_at, true);

-- name: rulings
-- What the table of sources makes of all that was said: `curate.outcomes.rule`, an episode a row.
-- Within a source and name the later word stands; both stand where they came at once.
with said as (
    select episode_id, source, name, "at", verdict, score, false as asked from marks
    where episode_id is not null
    union all
    select episode_id, source, name, "at", verdict, null, origin <> 'silence' from heard
),
named as (
    select
        episode_id, source, name,
        max("at") filter (where verdict) as yes_at,
        max("at") filter (where not verdict) as no_at,
        max({'at': "at", 'score': score}) filter (where score is not null) as scored,
        bool_or(asked) as asked
    from said group by all
),
sourced as (
    select
        n.episode_id, n.source, any_value(p.rank) as rank,
        coalesce(bool_or(yes_at >= coalesce(no_at, yes_at)), false) as yes,
        coalesce(bool_or(no_at >= coalesce(yes_at, no_at)), false) as no,
        max({'at': scored.at, 'name': name, 'score': scored.score})
            filter (where scored is not null) as scored,
        bool_or(asked) as asked
    from named n join policy p on p.source = n.source
    group by n.episode_id, n.source
)
select
    episode_id,
    min_by({'source': source, 'yes': yes, 'no': no, 'score': scored.score}, rank)
        filter (where yes or no) as deciding,
    min_by(scored.score, rank) filter (where scored is not null) as score,
    bool_or(asked) as asked,
    max(yes::int - no::int) filter (where source = 'product') as product,
    max(yes::int - no::int) filter (where source = 'user') as "user",
    (count(*) filter (where source in ('product', 'user') and (yes or no)))::int as knowing
from sourced
group by episode_id;

-- name: voices
-- The votes that stand: one of each voter of rules, judges and models, one of each auditor; of a
-- family one, where its members agree.
with said as (
    select
        episode_id, source, name, author, null::varchar as family,
        max("at") filter (where verdict) as yes_at, max("at") filter (where not verdict) as no_at
    from marks
    where episode_id is not null and source not in ('product', 'user')
    group by all
    union all
    select
        episode_id, source, name, author, family,
        case when verdict then "at" end, case when not verdict then "at" end
    from heard where source not in ('product', 'user')
),
voters as ( -- the same voter may speak through an outcome and here
    select
        episode_id, source, name, author, max(family) as family,
        max(yes_at) as yes_at, max(no_at) as no_at
    from said group by all
),
standing as (
    select
        v.episode_id, source, source || '/' || name as own, coalesce(v.family, f.family) as family,
        (coalesce(yes_at > no_at, yes_at is not null))::int as value
    from voters v left join families f on f.witness = source || '/' || name
    where yes_at is distinct from no_at
)
select episode_id, source, own as witness, value from standing where family is null
union all
select episode_id, any_value(source), family, min(value) from standing where family is not null
group by episode_id, family, source = 'human'
having min(value) = max(value)
order by episode_id, witness, value;
