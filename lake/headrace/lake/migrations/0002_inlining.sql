-- Small inserts go into the catalog instead of one Parquet file each; not so for `members`, whose
-- column name row_id DuckLake needs for itself wherever it inlines.
call ducklake_set_option('lake', 'data_inlining_row_limit', 0, table_name => 'members');
