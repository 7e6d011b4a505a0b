-- What a case came from, where that is no episode alone; made anew as in 0004.
create table cases_before as from cases;

drop table cases;

create table cases (
    project varchar, suite varchar, case_id varchar, input json, target json, scorer varchar,
    slice varchar, cluster varchar, origin_episode_id varchar,
    request varchar, -- cluster that it was grown from; an episode's id may change, this may not
    content_hash varchar, added_at timestamptz, retired_at timestamptz,
    origin json -- {from: production, promoted, file or scores; file, row}
);

insert into cases by name from cases_before;

drop table cases_before;
