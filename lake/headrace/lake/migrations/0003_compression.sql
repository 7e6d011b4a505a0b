-- Texts of messages take half the bytes of the default, snappy, and a few percent more time to write.
call ducklake_set_option('lake', 'parquet_compression', 'zstd');
