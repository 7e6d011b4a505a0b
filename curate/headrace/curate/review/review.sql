-- Statements of the review queue. An open item waits for as many reviewers as it asks; whoever has
-- labelled, skipped or flagged it is done with it.

-- name: population
-- All that may be reviewed, a row an episode, in an order that tells nothing of them. A source
-- speaks where all its voters that still stand by their word say the same.
with roots as (
    select episode_id, resolution, resolved_by, p_success
    from scrubbed_episodes
    where project = $project and parent_episode_id is null
),
items as (
    select episode_id, item_id, selection_probability, picked_at
    from review_items where project = $project and state <> 'superseded'
),
voters as (
    select
        episode_id, source, name = $name as reviewed,
        max("at") filter (where value = 1) as yes_at,
        max("at") filter (where value = 0) as no_at,
        max("at") filter (where value is null) as back_at
    from votes
    where project = $project and source in ('human', 'judge', 'product', 'user')
    group by episode_id, source, name, author
),
said as (
    select
        episode_id, source, reviewed,
        (coalesce(yes_at > no_at, yes_at is not null))::tinyint as value,
        greatest(yes_at, no_at) as "at"
    from voters
    where yes_at is distinct from no_at
        and coalesce(greatest(yes_at, no_at) > back_at, true)
),
sources as (
    select episode_id, source, bool_and(reviewed) as reviewed, min(value) as value,
        min(value) = max(value) as agreed, min("at") as "at"
    from said group by episode_id, source
),
voices as (
    select
        episode_id,
        max(value) filter (where agreed and source = 'judge') as judge,
        max(value) filter (where agreed and source = 'product') as product,
        max(value) filter (where agreed and source = 'user') as "user",
        coalesce(bool_or(source = 'human' and not reviewed), false) as marked,
        min("at") filter (where source = 'human' and not reviewed) as marked_at
    from sources group by episode_id
),
kin as (
    select episode_id, max(cluster_id) filter (where method = 'near') as near,
        max(cluster_id) filter (where method = 'duplicate') as same
    from clusters where project = $project and method in ('near', 'duplicate')
    group by episode_id
),
suspects as (
    select episode_id, max(coalesce(confidence, 1)) as suspicion
    from labels where project = $project and name = $suspicious
    group by episode_id
),
held as ( -- until a person has looked
    select episode_id, min(reason) as reason from decisions
    where project = $project and step = 'screen' and not kept
        and reason not in ('flagged', 'heavy_user')
    group by episode_id
)
select
    r.episode_id, r.resolution, r.p_success as success, i.item_id,
    coalesce(k.near, k.same, r.episode_id) as cluster,
    coalesce(v.judge, -1)::tinyint as judge,
    coalesce(v.product, v."user", -1)::tinyint as outcome,
    v.product is null as by_user,
    coalesce(
        r.resolution = 'success' and r.p_success < $contrary
        or r.resolution = 'failure' and r.p_success > 1 - $contrary, false
    ) as contrary,
    h.reason as held,
    greatest(coalesce(s.suspicion, 0), (h.reason is not null)::int)::double as suspicion,
    i.item_id is null and r.resolved_by is distinct from 'human' and not coalesce(v.marked, false)
        as fresh,
    -- what somebody else marked has no chance to be told without that mark
    case
        when i.item_id is null then not fresh
        else i.selection_probability is not null or coalesce(v.marked_at <= i.picked_at, false)
    end as drawn
from roots r
left join items i on i.episode_id = r.episode_id
left join voices v on v.episode_id = r.episode_id
left join kin k on k.episode_id = r.episode_id
left join suspects s on s.episode_id = r.episode_id
left join held h on h.episode_id = r.episode_id
order by r.episode_id;

-- name: divided
-- Where the people who looked disagree and nobody is asked yet, the latest first; `answers` are those
-- to the item, where there is one.
select
    e.episode_id, e.resolution, e.p_success, i.item_id,
    (select count(outcome_id) from reviews r where r.project = $project and r.item_id = i.item_id)
        as answers
from scrubbed_episodes e
left join (
    select * from review_items where project = $project and state <> 'superseded'
) i on i.episode_id = e.episode_id
where e.project = $project and e.resolution = 'conflicting' and e.resolved_by = 'human'
    and (i.item_id is null or i.state in ('answered', 'marked'))
order by coalesce(e.started_at, e."at") desc, e.episode_id
limit $most;

-- name: failures
-- Failed episodes that called a tool, the latest first.
select f.place, u.skeleton, u.request
from failed f
join (
    select episode_id, revision, skeleton, request from episode_units
    where project = $project and skeleton is not null
    qualify row_number() over (partition by episode_id order by revision desc) = 1
) u on u.episode_id = f.episode_id
join (
    select episode_id, max(coalesce(started_at, "at")) as "at" from episodes
    where project = $project group by episode_id
) e on e.episode_id = f.episode_id
order by e."at" desc, f.episode_id;

-- name: skeletons
select u.unit_id, u.text from text_units u semi join wanted w on w.unit_id = u.unit_id
where u.project = $project and u.kind = 'skeleton'
order by u.unit_id;

-- name: vectors
-- Of the model that knows most of these requests.
with found as (
    select u.unit_id, e.model, e.vector
    from text_units u
    semi join wanted w on w.unit_id = u.unit_id
    join embeddings e on e.text_hash = u.text_hash
    where u.project = $project and u.kind = 'request'
)
select unit_id, vector from found
where model = (select model from found group by model order by count(*) desc, model limit 1)
order by unit_id;

-- name: standing
-- Open items, and what ends them: their episode is gone, or somebody marked it elsewhere, or was
-- asked and passed. `divided`: those who looked disagree, and one more look is wanted.
with items as (
    select item_id, episode_id, picked_at from review_items
    where project = $project and state = 'open'
),
done as (
    select item_id, count(outcome_id) as answers, count(*) filter (where action = 'skip') as skips
    from reviews where project = $project group by item_id
),
marked as (
    select distinct episode_id from votes
    where project = $project and source = 'human' and name <> $name and value is not null
),
known as (
    select
        e.episode_id, e.resolved_by,
        coalesce(e.resolved_by = 'human' and e.resolution = 'conflicting', false) as divided
    from current_episodes e
    where e.project = $project and e.episode_id in (select episode_id from items)
)
select
    i.item_id,
    coalesce(d.answers, 0) as answers,
    coalesce(k.divided, false) as divided,
    case
        when k.episode_id is null then 'superseded'
        when k.divided and d.skips > 0 and d.answers = 0 then 'skipped'
        when k.divided then null
        when d.answers > 1 then 'answered'
        when m.episode_id is not null or k.resolved_by = 'human' and coalesce(d.answers, 0) = 0
            then 'marked'
        when d.skips > 0 and d.answers = 0 then 'skipped'
    end as ends
from items i
left join done d on d.item_id = i.item_id
left join known k on k.episode_id = i.episode_id
left join marked m on m.episode_id = i.episode_id
order by i.picked_at desc, i.item_id;

-- name: picked
select count(*) from review_items where project = $project;

-- name: close
update review_items set state = c.state, state_at = $at
from (select unnest($items::varchar[]) as item_id, unnest($states::varchar[]) as state) c
where review_items.project = $project and review_items.item_id = c.item_id
    and review_items.state = 'open';

-- name: ask_again
-- Of one more than has answered.
update review_items set
    state = 'open', state_at = $at, stratum = 'disagreement', why = $why, asked = c.answers + 1
from (select unnest($items::varchar[]) as item_id, unnest($answers::bigint[]) as answers) c
where review_items.project = $project and review_items.item_id = c.item_id;

-- name: draw
-- An item that is there already may be drawn by chance as well.
update review_items set selection_probability = c.chance, drawn_at = $at
from (select unnest($items::varchar[]) as item_id, unnest($chances::double[]) as chance) c
where review_items.project = $project and review_items.item_id = c.item_id
    and review_items.selection_probability is null;

-- name: gone_items
-- An episode that had gone and came back is a new item.
delete from review_items
where project = $project and state = 'superseded'
    and item_id in (select unnest($items::varchar[]));

-- name: waiting
-- What is open to a reviewer, whoever asked first goes first; null: to somebody. Not to those who
-- marked the episode elsewhere.
with done as (
    select item_id, count(outcome_id) as answers,
        bool_or(reviewer = $reviewer) as mine
    from reviews where project = $project group by item_id
)
select i.*, coalesce(d.answers, 0) as answers
from review_items i left join done d on d.item_id = i.item_id
where i.project = $project and i.state = 'open' and not coalesce(d.mine, false)
    and i.episode_id not in (
        select episode_id from votes
        where project = $project and source = 'human' and author = $reviewer and name <> $name
            and value is not null
    )
order by i.picked_at, i.item_id;

-- name: shown
-- What stands in a list of items; those that wait to be scrubbed are left out.
with latest as (
    select episode_id, revision, request, release, model, started_at, superseded from episodes
    where project = $project and episode_id in (select unnest($episodes::varchar[]))
    qualify revision = max(revision) over (partition by episode_id)
)
select e.episode_id, e.revision, s.request, e.release, e.model, e.started_at
from latest e
join scrubbed s
    on s.project = $project and s.episode_id = e.episode_id and s.revision = e.revision
where not e.superseded;

-- name: episode
select e.* exclude (tools, metadata), e.tools::varchar as tools, e.metadata::varchar as metadata,
    true as representative
from scrubbed_episodes e
where e.project = $project and e.episode_id = $episode;

-- name: marks
-- What was said of one episode, but for what reviewers of this item said: a second one is to look
-- with their own eyes.
with keys as (
    select 'episode' as kind, $episode as id
    union select 'trace', unnest($traces::varchar[])
    union select 'span', unnest($spans::varchar[])
    union select 'conversation', $conversation
    union select 'external', unnest($externals::varchar[])
    union
    select 'response', response_id from spans
    where project = $project and response_id is not null
        and span_id in (select unnest($spans::varchar[]))
        and trace_id in (select unnest($traces::varchar[]))
)
select o.source, o.name, o.author, o.success, o.score, o.label, o.comment, o."at",
    o.correction is not null as corrected
from outcomes o join keys k on k.kind = o.target_kind and k.id = o.target_id
where o.project = $project and o.outcome_id not in (
    select outcome_id from reviews
    where project = $project and episode_id = $episode and outcome_id is not null
)
union all
select v.source, v.name, v.author, v.value = 1, null, null, null, v."at", false
from votes v
where v.project = $project and v.episode_id = $episode and v.value is not null
    and v.origin is distinct from 'outcome' and v.name <> $name
order by "at", source, name;

-- name: item
select episode_id, asked, state from review_items where project = $project and item_id = $item;

-- name: current
select max(revision), arg_max(superseded, revision) from episodes
where project = $project and episode_id = $episode;

-- name: named
select item_id from review_items
where project = $project and (starts_with(item_id, $item) or episode_id = $item)
order by item_id limit 2;

-- name: of_item
select reviewer, action, outcome_id from reviews
where project = $project and item_id = $item
order by "at", reviewer;

-- name: touch
-- The row is written anew even where it stays open: two who answer at once must not both be first.
update review_items set state = $state, state_at = $at
where project = $project and item_id = $item;

-- name: take_back_outcome
delete from outcomes where project = $project and outcome_id = $outcome;

-- name: take_back
delete from reviews where project = $project and item_id = $item and reviewer = $reviewer;

-- name: labelled
-- Every label that stands, with what its item knew when it was picked.
select
    i.item_id, i.stratum, i.asked, i.selection_probability, i.resolution, i.p_success, i.drawn_at,
    r.reviewer, r.action = 'success' as success, e.release, e.model
from reviews r
join review_items i on i.project = r.project and i.item_id = r.item_id
left join current_episodes e on e.project = r.project and e.episode_id = r.episode_id
where r.project = $project and r.outcome_id is not null
order by i.item_id, r."at", r.reviewer;

-- name: passed
select
    count(*) filter (where selection_probability is not null) as drawn,
    count(*) filter (where selection_probability is not null and state = 'skipped') as skipped
from review_items where project = $project;
