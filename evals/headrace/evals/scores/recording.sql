-- Statements for measured runs on their way into the lake.

-- name: releases
select release from releases where project = $project;

-- name: known_cases
select case_id, any_value(content_hash) as content_hash from cases
where project = $project and suite = $suite
group by case_id;

-- name: runs
select * from runs where project = $project and run_id in (select unnest($runs));

-- name: scores
select * from scores where run_id in (select unnest($runs))
order by run_id, case_id, scorer, epoch;

-- name: forget_attempts
delete from scores using (
    select unnest($runs) as run, unnest($cases) as "case", unnest($epochs) as epoch,
        unnest($scorers) as scorer
) gone
where scores.run_id = gone.run and scores.case_id = gone."case"
    and scores.epoch = gone.epoch and scores.scorer = gone.scorer;
