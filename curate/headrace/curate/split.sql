-- What ties episodes together, and on which side of the wall they stand.

-- name: members
-- Episodes in the order in which they were cut into units. One that was not yet, or was superseded,
-- is here only where it has a group: an episode gets another name when an earlier call comes late,
-- and its group must not change for that.
with latest as (
    select episode_id, revision, superseded, parent_episode_id, conversation_id, trace_ids
    from episodes where project = $project
    qualify row_number() over (partition by episode_id order by revision desc) = 1
),
grouped as (
    select episode_id, min(cluster_id) as group_id from clusters
    where project = $project and method = 'group'
    group by episode_id
)
select
    l.episode_id, g.group_id, not l.superseded as current,
    case when not l.superseded then l.parent_episode_id end as parent_episode_id,
    case when not l.superseded then l.conversation_id end as conversation_id,
    l.trace_ids, u.request, u.asked, u.skeleton, u.transcript, u.wording, u.words
from latest l
left join episode_units u
    on u.project = $project and u.episode_id = l.episode_id and u.revision = l.revision
left join grouped g on g.episode_id = l.episode_id
where u.episode_id is not null or g.group_id is not null
order by u.rowid nulls last, l.episode_id

-- name: ties
-- What episodes share, a row for each; a key is a hash within one run and is not kept. A unit that
-- is in no cluster is one of its own. What the product calls a task is compared as it is written:
-- masked, all numbered tasks would be one. Where it named tasks, they tell requests apart: openings
-- such as "I want to cancel a flight" join only where they are the same word for word.
with near as (
    select unit_id, cluster_id from unit_clusters where project = $project and method = 'near'
)
select m.n, hash('asked', coalesce(c.cluster_id, m.asked)) as key
from members m left join near c on c.unit_id = m.asked
where m.asked = m.request
union all
select n, hash('words', words) from members where words is not null
union all
select m.n, hash('transcript', coalesce(c.cluster_id, m.transcript))
from members m left join near c on c.unit_id = m.transcript
where m.transcript is not null
union all
select n, hash('task', wording) from members where wording is not null
union all
select m.n, hash('leader', l.model, l.leader_id, l.skeleton_id)
from members m join leaders l
    on l.project = $project and l.unit_id = m.asked and l.skeleton_id = m.skeleton
where l.leader_id is not null
union all
select n, hash('episode', episode_id) from members where current
union all
select n, hash('episode', parent_episode_id) from members where parent_episode_id is not null
union all
select n, hash('conversation', conversation_id) from members where conversation_id is not null
union all
select n, hash('trace', unnest(trace_ids)) from members
union all
select n, hash('group', group_id) from members where group_id is not null

-- name: stored_groups
select group_id, split, "at" from splits where project = $project

-- name: forget_decided
-- What was decided of episodes that are quarantined now.
delete from decisions
where project = $project and step = 'decontaminate' and reason <> $reason
    and episode_id in (select episode_id from quarantined)

-- name: log_merges
-- A group on the other side of the wall stays apart: that it was joined is told once.
insert into cluster_events by name
select $project as project, 'group' as method, old_id, new_id, 'merge' as event, $at as "at"
from merged m anti join cluster_events e
    on e.project = $project and e.method = 'group' and e.old_id = m.old_id and e.new_id = m.new_id

-- name: assignments
select c.episode_id, s.split
from clusters c
join splits s on s.project = $project and s.group_id = c.cluster_id
join current_episodes e on e.project = $project and e.episode_id = c.episode_id
left join decisions d
    on d.project = $project and d.episode_id = c.episode_id and d.step = 'decontaminate'
    and d.reason = 'quarantined'
where c.project = $project and c.method = 'group' and d.episode_id is null
order by c.episode_id

-- name: forward
-- A group that was there before the cut is learnt from in its early episodes and tests nothing.
with told as (
    select e.episode_id, c.cluster_id, e.started_at >= $cut as later
    from current_episodes e
    join clusters c on c.project = $project and c.method = 'group' and c.episode_id = e.episode_id
    where e.project = $project and e.started_at is not null
),
known as (select cluster_id, bool_and(later) as fresh from told group by cluster_id)
select t.episode_id, case when not t.later then 'learnt' when k.fresh then 'held_out' end as side
from told t join known k using (cluster_id)
order by t.episode_id

-- name: unseen_users
-- A group in which a held-out user stands is learnt from by nobody else either.
with told as (
    select e.episode_id, c.cluster_id, d.user_id is not null as held
    from current_episodes e
    join clusters c on c.project = $project and c.method = 'group' and c.episode_id = e.episode_id
    left join drawn d on d.user_id = e.user_id
    where e.project = $project
),
shared as (select cluster_id, bool_or(held) as touched from told group by cluster_id)
select t.episode_id, case when t.held then 'held_out' when not s.touched then 'learnt' end as side
from told t join shared s using (cluster_id)
order by t.episode_id

-- name: users
select distinct user_id from current_episodes
where project = $project and user_id is not null
order by user_id
