-- Texts of messages take half the bytes of the default, snappy, and a few percent more time to write.
call ducklake_set_option('lake', 'parquet_compression', 'zstd');

-- A row group is held in memory while it is written: with long texts the default of 122,880 rows took
-- 900 MB where small files are merged.
call ducklake_set_option('lake', 'parquet_row_group_size', 8192);
