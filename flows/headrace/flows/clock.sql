-- What nights know of the time.

-- name: leap
-- The longest time without a night that ended since $since, where it is half as long again as each
-- of the last seven before it; in seconds. A night of which the clock says that it is yet to come tells nothing.
with ends as (
    select distinct ended_at as ended from nights where ended_at < $now
    union all
    select $now
),
gaps as (
    select ended, epoch(ended) - epoch(lag(ended) over (order by ended)) as gap from ends
),
usual as (
    select
        ended, gap,
        max(gap) over (order by ended rows between 7 preceding and 1 preceding) as longest
    from gaps
)
select max(gap) from usual
where ended > $since and gap > $least and gap > 1.5 * coalesce(longest, 0);
