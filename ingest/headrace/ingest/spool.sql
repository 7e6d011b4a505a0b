-- Statements of the spool: SQLite, values by `:name`.

-- name: identity
create table if not exists spool (
    id text not null,
    file integer not null, -- inode: a copy of the file is another spool
    probes integer not null default 0
);

-- name: pages
-- autoincrement: a sequence number is never given twice, even after all rows are gone.
create table if not exists pages (
    last integer primary key autoincrement, -- number of its last body; they have no gaps
    bodies integer not null,
    oldest text not null, -- when the first was received
    heads blob not null, -- what is known of each body, msgpack
    size integer not null, -- bytes of all payloads
    payload blob not null -- all payloads one after another, zstd
);

-- name: find_id
select id from spool;

-- name: name_it
insert into spool (id, file) select :id, :file where not exists (select 1 from spool);

-- name: name_copy
update spool set id = :id, file = :file where file != :file;

-- name: rename
update spool set id = :id;

-- name: probe
update spool set probes = probes + 1;

-- name: given
-- The last sequence number that was given.
select coalesce(max(seq), 0) from sqlite_sequence where name = 'pages';

-- name: forgotten
-- Number of the last body that was dropped; 0: none yet.
select coalesce(
    (select last - bodies from pages order by last limit 1),
    (select max(seq) from sqlite_sequence where name = 'pages'),
    0
);

-- name: append
insert into pages (last, bodies, oldest, heads, size, payload)
select
    coalesce((select max(seq) from sqlite_sequence where name = 'pages'), 0) + :bodies,
    :bodies, :oldest, :heads, :size, :payload;

-- name: take
select last, bodies, oldest, heads, size, payload from pages where last > :after order by last;

-- name: forget
delete from pages where last <= :upto;

-- name: ends
-- Numbers have no gaps (only a head is ever deleted), so the ends give the count without a scan.
select
    (select last - bodies + 1 from pages order by last limit 1) as first,
    (select max(last) from pages) as last,
    (select oldest from pages order by last limit 1) as oldest;

-- name: used
-- Bytes of the pages in use, without a scan.
select (c.page_count - f.freelist_count) * s.page_size
from pragma_page_count c, pragma_freelist_count f, pragma_page_size s;

-- name: freed
select f.freelist_count * s.page_size from pragma_freelist_count f, pragma_page_size s;
