-- Statements of the drain.

-- name: offset
select max(seq) as seq from drains where spool = $spool;

-- name: drop_offset
delete from drains where spool = $spool;

-- name: set_offset
insert into drains values ($spool, $seq, $now);

-- name: count_letters
select count(*) as dead_letters from dead_letters;
