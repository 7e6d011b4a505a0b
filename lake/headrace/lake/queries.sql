-- Statements of the lake itself.

-- name: create_migrations
create table if not exists migrations (name varchar, "at" timestamptz);

-- name: applied_migrations
select name from migrations order by name;

-- name: mark_migration
insert into migrations values ($name, $at);

-- name: tables
select table_name from duckdb_tables() where database_name = 'lake';

-- name: snapshot
select max(snapshot_id) from ducklake_snapshots('lake');

-- name: one_thread
set threads = 1;

-- name: no_file_cache
set enable_external_file_cache = false;
