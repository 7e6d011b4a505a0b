-- Statements for releases that go.

-- name: renamed_releases
-- A hash stands for a release until the span comes that tells its name.
select release from releases r
where project = $project and kind = 'observed' and starts_with(release, 'h:')
    and not exists (
        from current_episodes e where e.project = r.project and e.release = r.release
    )
    and not exists (from runs u where u.project = r.project and u.release = r.release);

-- name: gone_releases
delete from releases where project = $project and release in (select unnest($names::varchar[]));
