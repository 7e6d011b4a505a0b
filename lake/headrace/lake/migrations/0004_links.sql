-- What joins a call to the one before it where no trace and no conversation id does.
-- Made anew, not altered: after `alter table add column` DuckLake 1.0 of DuckDB 1.5.5 loses the values
-- of the new columns where one transaction inlines rows into this and another table.
create table spans_before as from spans;

drop table spans;

create table spans (
    project varchar, trace_id varchar, span_id varchar, parent_span_id varchar,
    kind varchar, -- llm, agent, tool, other
    name varchar, started_at timestamptz, ended_at timestamptz, status varchar, error varchar,
    provider varchar, model varchar, release varchar, service varchar, scope varchar,
    conversation_id varchar, user_id varchar, agent varchar, response_id varchar,
    input varchar[], output varchar[], -- hashes of messages
    tools_hash varchar, request json,
    input_tokens bigint, output_tokens bigint, cached_tokens bigint, reasoning_tokens bigint,
    cost_usd decimal(18, 9), ttft_ms double, finish_reason varchar,
    convention varchar, defects varchar[], attributes json, resource json, events json,
    received_at timestamptz,
    previous_response_id varchar, -- of the call that this one continues on the provider's side
    said varchar, heard varchar, -- digests of the output, and of the last assistant turn before it
    cache_write_tokens bigint
);

insert into spans by name from spans_before;

drop table spans_before;

create table log_events_before as from log_events;

drop table log_events;

create table log_events (
    project varchar, trace_id varchar, span_id varchar, name varchar, "at" timestamptz,
    attributes json, body json, received_at timestamptz,
    nth bigint, -- place in its request: times may tie
    hash varchar -- of all that it says: a second delivery of it adds nothing
);

insert into log_events by name from log_events_before;

drop table log_events_before;

create table joined_traces ( -- whose log records were read with their spans; a change does it again
    project varchar, trace_id varchar, fingerprint varchar
);
