-- What was said of episodes, whole projects at a time. A voter is a source, name and author; a
-- witness is a voter's family, else its source and name.

-- name: heard
-- Votes on current episodes that no outcome brought, each the last word of its voter. An outcome ends
-- the silence of its name. Opposite words of one moment cancel.
with voters as (
    select
        episode_id, origin, source, name, author, max(family) as family,
        max("at") filter (where value = 1) as yes_at,
        max("at") filter (where value = 0) as no_at,
        max("at") filter (where value is null) as back_at
    from votes
    semi join (select episode_id from current_episodes where project = $project) e using (episode_id)
    where project = $project and origin <> 'outcome'
    group by all
),
standing as (
    select
        episode_id, origin, source, name, author, family, greatest(yes_at, no_at) as "at",
        coalesce(yes_at > no_at, yes_at is not null) as verdict
    from voters
    where yes_at is distinct from no_at and coalesce(greatest(yes_at, no_at) > back_at, true)
),
spoken as (
    select distinct episode_id, source, name from marks where verdict is not null
)
select * from standing where origin <> 'silence'
union all
select v.* from standing v anti join spoken s
    on s.episode_id = v.episode_id and s.source = v.source and s.name = v.name
where v.origin = 'silence';

-- name: rulings
-- What the table of sources makes of all that was said: `curate.outcomes.rule`, an episode a row.
-- Within a source and name the later word stands; both stand where they came at once. Of people
-- each author has a word, those without a name one together, and the majority decides.
with said as (
    select
        episode_id, source, name, if(source = 'human', author, null) as speaker, "at", verdict,
        score, false as asked
    from marks
    where episode_id is not null
    union all
    select
        episode_id, source, name, if(source = 'human', author, null), "at", verdict, null,
        origin <> 'silence'
    from heard
),
named as (
    select
        episode_id, source, name, speaker,
        max("at") filter (where verdict) as yes_at,
        max("at") filter (where not verdict) as no_at,
        max({'at': "at", 'score': score}) filter (where score is not null) as scored,
        bool_or(asked) as asked
    from said group by all
),
spoken as (
    select
        episode_id, source,
        coalesce(bool_or(yes_at >= coalesce(no_at, yes_at)), false)::int as yes,
        coalesce(bool_or(no_at >= coalesce(yes_at, no_at)), false)::int as no,
        max({'at': scored.at, 'name': name, 'score': scored.score})
            filter (where scored is not null) as scored,
        bool_or(asked) as asked
    from named group by episode_id, source, speaker
),
sourced as (
    select
        s.episode_id, s.source, any_value(p.rank) as rank,
        sum(yes) > 0 and sum(yes) >= sum(no) as yes, sum(no) > 0 and sum(no) >= sum(yes) as no,
        max(scored) filter (where scored is not null) as scored, bool_or(asked) as asked
    from spoken s join policy p on p.source = s.source
    group by s.episode_id, s.source
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
-- family one, where its members agree. `blind`: one of the two who looked first; whoever came
-- later may have been asked because they disagreed.
with said as (
    select
        episode_id, source, name, author, null::varchar as family, min("at") as first_at,
        max("at") filter (where verdict) as yes_at, max("at") filter (where not verdict) as no_at
    from marks
    where episode_id is not null and source not in ('product', 'user')
    group by all
    union all
    select
        episode_id, source, name, author, family, "at",
        case when verdict then "at" end, case when not verdict then "at" end
    from heard where source not in ('product', 'user')
),
voters as ( -- the same voter may speak through an outcome and here
    select
        episode_id, source, name, author, max(family) as family,
        min(first_at) as first_at, max(yes_at) as yes_at, max(no_at) as no_at
    from said group by all
),
standing as (
    select
        v.episode_id, source, source || '/' || name as own, coalesce(v.family, f.family) as family,
        (coalesce(yes_at > no_at, yes_at is not null))::int as value, first_at, author
    from voters v left join families f on f.witness = source || '/' || name
    where yes_at is distinct from no_at
)
select
    episode_id, source, own as witness, value,
    source = 'human' and row_number() over (
        partition by episode_id, source order by first_at, author, own
    ) <= 2 as blind
from standing where family is null
union all
select episode_id, any_value(source), family, min(value), source = 'human'
from standing where family is not null
group by episode_id, family, source = 'human'
having min(value) = max(value)
order by episode_id, witness, value;

-- name: cast_by_marks
select
    episode_id, name, source, author, null::varchar as family, verdict::bigint as value, "at"
from marks
where episode_id is not null and verdict is not null;

-- name: cast_by_silence
-- Of the root agent alone, as marks are. A mark that came ends the silence, whenever it came.
with ended as (
    select episode_id, coalesce(ended_at, started_at, "at") as ended_at
    from current_episodes where project = $project and parent_episode_id is null
),
closed as (
    select e.episode_id, l.*, e.ended_at
    from ended e cross join late l
    where e.ended_at < $now::timestamptz - to_seconds(l.seconds)
)
select
    c.episode_id, c.name, c.source, 'silence' as author, null::varchar as family,
    c.silence as value, c.ended_at + to_seconds(c.seconds) as "at"
from closed c
anti join (
    select * from marks where verdict is not null
) m on m.episode_id = c.episode_id and m.source = c.source and m.name = c.name;

-- name: cast_by_judges
select
    j.episode_id, j.name, 'judge' as source, null::varchar as author, j.family,
    (j.value >= 0.5)::bigint as value, j."at"
from judgements j
join current_episodes e
    on e.project = j.project and e.episode_id = j.episode_id and e.revision = j.revision
where j.project = $project and j.value is not null
qualify row_number() over (
    partition by j.episode_id, j.name order by j."at" desc, j.judge_hash
) = 1;

-- name: new_votes
-- What was said is kept as it was said, also where a later word stands. A word that means something
-- else by now, as the rule for its score changed, is left to the statement below.
insert into votes by name
select distinct
    $project as project, w.episode_id, w.name, w.source, w.family, w.author, w.value, w."at",
    $origin as origin
from wanted w
anti join (
    select * from votes where project = $project and origin = $origin
) v
    on v.episode_id = w.episode_id and v.name = w.name and v.source = w.source
    and v.author is not distinct from w.author and v."at" = w."at";

-- name: changed_votes
-- Brings what stands to what should, by one more word of each voter whose last word is another.
insert into votes by name
with standing as (
    select
        episode_id, name, source, author,
        arg_max_null(family, "at") filter (where value is not null) as family,
        case
            when max("at") filter (where value is null)
                >= max("at") filter (where value is not null) then null
            when max("at") filter (where value = 1) = max("at") filter (where value = 0) then null
            else arg_max(value, "at")
        end as value,
        max("at") as "at"
    from votes
    where project = $project and origin = $origin
        and ($names is null or list_contains($names::varchar[], name))
        and ($everywhere or episode_id in (select episode_id from among))
    group by all
),
should as (
    select
        episode_id, name, source, author, arg_max_null(family, "at") as family,
        case
            when max("at") filter (where value = 1) = max("at") filter (where value = 0) then null
            else arg_max(value, "at")
        end as value,
        max("at") as "at"
    from wanted
    group by all
)
select
    $project as project, coalesce(w.episode_id, s.episode_id) as episode_id,
    coalesce(w.name, s.name) as name, coalesce(w.source, s.source) as source,
    coalesce(w.author, s.author) as author, w.family, w.value, $origin as origin,
    case
        when s."at" is null then w."at"
        else greatest($now::timestamptz, w."at", s."at" + interval 1 microsecond)
    end as "at"
from should w
full join standing s
    on s.episode_id = w.episode_id and s.name = w.name and s.source = w.source
    and s.author is not distinct from w.author
where w.value is distinct from s.value
    or (w.value is not null and w.family is distinct from s.family);

-- name: known_episodes
select episode_id from current_episodes where project = $project;

-- name: rules_that_voted
select distinct name from votes where project = $project and origin = 'rule';

-- name: forget_rules
delete from done where project = $project and step = $step and version <> $version;

-- name: words
-- The word that stands of each voter, families apart: who agrees with whom is seen one by one.
with said as (
    select episode_id, source, name, author, null::varchar as family, "at", verdict from marks
    where episode_id is not null and verdict is not null
    union all
    select episode_id, source, name, author, family, "at", verdict from heard
),
voters as (
    select
        episode_id, source, name, author, max(family) as family,
        max("at") filter (where verdict) as yes_at, max("at") filter (where not verdict) as no_at
    from said group by all
)
select
    v.episode_id, v.source, v.source || '/' || v.name as witness, v.author,
    coalesce(v.family, f.family) as family,
    coalesce(v.yes_at > v.no_at, v.yes_at is not null)::int as value
from voters v left join families f on f.witness = v.source || '/' || v.name
where v.yes_at is distinct from v.no_at;

-- name: sources
select witness, any_value(source) as source, any_value(family) as family,
    count(*) as votes, count(distinct episode_id) as episodes, sum(value)::bigint as ayes
from words group by witness order by witness;

-- name: beside_those_who_know
-- Of the episodes that they spoke of, what each other witness said; where they are divided, or a
-- witness is, nothing. `cluster`: what asks the same is no independent case.
with known as (
    select episode_id, avg(value) as share from words where source = $truth
    group by episode_id having avg(value) <> 0.5
),
spoken as (
    select w.episode_id, w.witness, any_value(w.family) as family, avg(w.value) as share
    from words w semi join known k on k.episode_id = w.episode_id
    where w.source <> $truth
    group by w.episode_id, w.witness having avg(w.value) <> 0.5
)
select
    s.episode_id, s.witness, s.family, (s.share > 0.5)::int as value, (k.share > 0.5)::int as truth,
    e.release, coalesce(c.cluster_id::varchar, u.request::varchar, s.episode_id) as cluster
from spoken s
join known k on k.episode_id = s.episode_id
join current_episodes e on e.project = $project and e.episode_id = s.episode_id
left join episode_units u on u.project = $project and u.episode_id = s.episode_id
left join unit_clusters c
    on c.project = $project and c.method = 'near' and c.unit_id = u.request
order by s.witness, s.episode_id;

-- name: audited_words
-- Every vote on the episodes that people audited, for seeing who errs together.
select w.* from words w
semi join (select episode_id from words where source = 'human') h on h.episode_id = w.episode_id
order by all;

-- name: chances
-- With which chance each episode was drawn into the even sample of the review queue.
select episode_id, min(selection_probability) as chance from review_items
where project = $project and selection_probability is not null
group by episode_id;
