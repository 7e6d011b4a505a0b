-- Statements of the upkeep. Not among them, for good: rewriting files with deletes and `checkpoint`,
-- which does it too, change what older snapshots show (DuckLake 1.0 of DuckDB 1.5.5); data sets name
-- snapshots, so none may expire either. Where raw texts are to go, `purge.sql` does both.

-- name: flush
call ducklake_flush_inlined_data('lake', table_name => $table);

-- name: merge
call ducklake_merge_adjacent_files('lake', $table, max_file_size => $below);

-- name: clean
call ducklake_cleanup_old_files('lake', older_than => $before);
