-- Statements of the spool: SQLite, values by `:name`.

-- name: identity
create table if not exists spool (id text not null, probes integer not null default 0);

-- name: bodies
-- autoincrement: a sequence number is never given twice, even after all rows are gone.
create table if not exists bodies (
    seq integer primary key autoincrement,
    signal text not null,
    content_type text not null,
    project text,
    received_at text not null,
    size integer not null,
    payload blob not null
);

-- name: find_id
select id from spool;

-- name: name_it
insert into spool (id) select :id where not exists (select 1 from spool);

-- name: probe
update spool set probes = probes + 1;

-- name: append
insert into bodies (signal, content_type, project, received_at, size, payload)
values (:signal, :content_type, :project, :received_at, :size, :payload);

-- name: take
select seq, signal, content_type, project, received_at, size, payload from bodies
where seq > :after order by seq limit :limit;

-- name: forget
delete from bodies where seq <= :upto;

-- name: ends
-- Numbers have no gaps (only a head is ever deleted), so the ends give the count without a scan.
select
    (select min(seq) from bodies) as first,
    (select max(seq) from bodies) as last,
    (select received_at from bodies order by seq limit 1) as oldest;
