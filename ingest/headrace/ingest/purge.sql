-- Statements that bring off the disk what was deleted from tables that held raw texts. They change
-- what older snapshots show, so those go first.

-- name: expire
call ducklake_expire_snapshots('lake', versions => $snapshots::bigint[]);

-- name: rewrite
-- Every file with a deleted row, however few.
call ducklake_rewrite_data_files('lake', $table, delete_threshold => 0.0);

-- name: widen
-- The catalog knows the least and the greatest text of each column, JSON and bytes too, and may never
-- forget one: bounds that hold for any take their place. Null would not do: the next insert would make it the
-- bounds of its own rows, and older rows would no longer be found.
update __ducklake_metadata_lake.ducklake_table_column_stats
set min_value = '', max_value = chr(1114111)
where min_value is not null and (table_id, column_id) in (
    select (c.table_id, c.column_id)
    from __ducklake_metadata_lake.ducklake_column c
    join __ducklake_metadata_lake.ducklake_table t on t.table_id = c.table_id
    where c.column_type in ('varchar', 'json', 'blob') and t.end_snapshot is null and c.end_snapshot is null
        and t.table_name in (select unnest($tables::varchar[]))
) and (min_value <> '' or max_value <> chr(1114111));

-- name: old
-- Snapshots by number: by time DuckLake compares texts of unlike form, see `upkeep.py`. The newest
-- one always stays.
select snapshot_id from ducklake_snapshots('lake')
where snapshot_time < $before and snapshot_id < $newest
order by snapshot_id;

-- name: young
select min(snapshot_id) from ducklake_snapshots('lake') where snapshot_time >= $before;

-- name: taken
-- Nothing but retention deletes messages.
select count(*)
from ducklake_table_deletions('lake', 'main', 'messages', $first::bigint, $last::bigint);

-- name: strangers
-- Files that no snapshot names and that do not wait for their removal: listed, not removed.
call ducklake_delete_orphaned_files('lake', dry_run => true, older_than => $before);
