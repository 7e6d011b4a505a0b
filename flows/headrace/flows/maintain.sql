-- name: nights
select count(*) from nights;
