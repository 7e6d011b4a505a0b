-- The whole schema as it stands, to be read; migrations/ lead here, a test holds the two together.
-- Times are UTC, ids are text, money is USD.

create table messages (hash varchar, role varchar, body json, chars bigint);

create table toolsets (hash varchar, body json); -- tool definitions, stored once like messages

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

create table log_events (
    project varchar, trace_id varchar, span_id varchar, name varchar, "at" timestamptz,
    attributes json, body json, received_at timestamptz,
    nth bigint, -- place in its request: times may tie
    hash varchar -- of all that it says: a second delivery of it adds nothing
);

create table outcomes (
    project varchar, outcome_id varchar,
    target_kind varchar, -- trace, span, response, conversation, episode, external
    target_id varchar, name varchar, success boolean, score double,
    label varchar, -- what an evaluator called the result
    comment varchar, correction json, source varchar, -- human, user, product, rule, judge, model
    author varchar, "at" timestamptz, received_at timestamptz
);

create table episodes (
    project varchar, episode_id varchar, revision bigint,
    trace_ids varchar[], span_ids varchar[], parent_episode_id varchar,
    conversation_id varchar, user_id varchar, release varchar, model varchar, agent varchar,
    started_at timestamptz, ended_at timestamptz,
    messages varchar[], trainable boolean[], -- of equal length
    tools json, request varchar, -- text of the user turns before the first trained turn
    turns bigint, tool_calls bigint, input_tokens bigint, output_tokens bigint,
    cost_usd decimal(18, 9), latency_ms double, finish_reason varchar, error varchar,
    defects varchar[], superseded boolean,
    metadata json, -- what the product said: task, external_id, and its own keys
    "at" timestamptz -- when this revision was written
);

create table assembled_traces ( -- what assembly has seen of a trace; a change makes it look again
    project varchar, trace_id varchar, fingerprint varchar
);

create table joined_traces ( -- whose log records were read with their spans; a change does it again
    project varchar, trace_id varchar, fingerprint varchar
);

create table resolutions (
    project varchar, episode_id varchar,
    resolution varchar, -- success, failure, pending, conflicting, unmarked
    success boolean, score double, resolved_by varchar, "at" timestamptz,
    p_success double, -- by all votes together; null without any
    witnesses bigint -- who voted, a family once
);

create view current_episodes as
select e.*, coalesce(r.resolution, 'pending') as resolution, r.success, r.score, r.resolved_by,
    r.p_success
from (
    select * from episodes
    qualify row_number() over (partition by project, episode_id order by revision desc) = 1
) e
left join resolutions r on r.project = e.project and r.episode_id = e.episode_id
where not e.superseded;

create table decisions (
    project varchar, step varchar, version varchar, episode_id varchar, kept boolean,
    reason varchar, because_of varchar, -- an episode or a case
    similarity double, "at" timestamptz,
    revision bigint -- of the episode that was judged
);

create table clusters (
    project varchar, method varchar, -- request, near, duplicate, semantic, intent, group
    cluster_id varchar, episode_id varchar, representative boolean, similarity double,
    rank bigint, -- from 1, the representative
    weight double -- 1 / size of the cluster
);

create table splits (project varchar, group_id varchar, split varchar, "at" timestamptz);

create table embeddings (text_hash varchar, model varchar, vector float[]);

create table labels (
    project varchar, episode_id varchar, name varchar, value varchar, source varchar,
    confidence double, "at" timestamptz
);

create table releases (
    project varchar, release varchar, "at" timestamptz, kind varchar, model varchar,
    prompt_hash varchar, tools_hash varchar, notes varchar
);

create table cases (
    project varchar, suite varchar, case_id varchar, input json, target json, scorer varchar,
    slice varchar, cluster varchar, origin_episode_id varchar,
    request varchar, -- cluster that it was grown from; an episode's id may change, this may not
    content_hash varchar, added_at timestamptz, retired_at timestamptz,
    origin json -- {from: production, promoted, file or scores; file, row}
);

create table runs (
    project varchar, run_id varchar, suite varchar, release varchar, model varchar,
    started_at timestamptz, config_hash varchar, judge_hash varchar, log_uri varchar,
    status varchar
);

create table scores (
    run_id varchar, case_id varchar, epoch bigint, scorer varchar,
    value double, -- null: not measured
    error varchar, input_tokens bigint, output_tokens bigint, latency_ms double,
    cost_usd decimal(18, 9)
);

create table verdicts (
    project varchar, verdict_id varchar, kind varchar, state varchar, "at" timestamptz,
    expires_at timestamptz, inputs_hash varchar, payload json
);

create table datasets (
    project varchar, name varchar, version varchar, objective varchar, "at" timestamptz,
    snapshot_id bigint, rows bigint, recipe json, manifest_hash varchar, hub_repo varchar,
    hub_revision varchar
);

create table members (
    project varchar, name varchar, version varchar, row_id varchar, split varchar,
    episode_ids varchar[]
);

create table nights (
    night_id varchar, started_at timestamptz, ended_at timestamptz, until timestamptz,
    status varchar, -- done, failed
    summary json -- list of {project, step, state, seen, kept, dropped, notes, said}
);

create table erasures (project varchar, subject varchar, "at" timestamptz, receipt json);

create table drains (spool varchar, seq bigint, "at" timestamptz); -- how far a spool has been read

create table dead_letters (
    project varchar, spool varchar, seq bigint, signal varchar, reason varchar,
    content_type varchar, body blob, received_at timestamptz, "at" timestamptz
);

-- What curation keeps from night to night. Unit ids are numbers of one project, in the order in which
-- texts arrived; signatures and bands are caches that can be made again.

create table done ( -- what a step has looked at; another version looks again
    project varchar, step varchar, version varchar,
    key varchar, -- an episode, a case or a unit
    revision bigint -- of the episode
);

create table scrubbed ( -- an episode without personal data; later steps read this one alone
    project varchar, episode_id varchar, revision bigint, version varchar,
    messages varchar[], -- hashes of scrubbed messages, one for each message of the episode
    request varchar,
    metadata json, -- that of the episode, without personal data
    found json, -- kind of data -> places where it was replaced
    "at" timestamptz
);

create table retired ( -- whose raw texts are gone; what the scrub made of them stays
    project varchar, kind varchar, -- trace, episode
    key varchar,
    revision bigint, -- of an episode: this one and those before
    upto bigint, -- of a trace: the number of its last row among the spans
    heard timestamptz, -- when that trace was last heard of; what was received later came late
    "at" timestamptz
);

create table scrub_keys ( -- under which key surrogates were drawn: what is told of it, not the key
    project varchar, fingerprint varchar, "at" timestamptz
);

create view scrubbed_episodes as -- what may be learnt from and shown: raw texts stay outside
select e.* replace (s.messages as messages, s.request as request, s.metadata as metadata), s.found
from current_episodes e
join scrubbed s
    on s.project = e.project and s.episode_id = e.episode_id and s.revision = e.revision;

create table scrubbed_messages (hash varchar, role varchar, body json, chars bigint);

create table surrogates ( -- where a value stood, found by its HMAC alone
    project varchar, kind varchar, digest varchar, episode_id varchar
);

create table text_units (
    project varchar, unit_id bigint,
    kind varchar, -- request, skeleton, transcript, context
    text_hash varchar, version varchar,
    text varchar, -- of requests and skeletons
    episode_id varchar, -- the first one
    "at" timestamptz
);

create table episode_units ( -- the units of an episode by kind; null: it has none
    project varchar, episode_id varchar, revision bigint,
    request bigint, -- what was asked: the product's name of the task where it gave one, else `asked`
    asked bigint, -- in the words of the user
    skeleton bigint, transcript bigint, context bigint,
    wording varchar, words varchar -- hashes of `request` and `asked` before they were masked
);

create table minhash_signatures (project varchar, algo varchar, unit_id bigint, signature blob);

create table lsh_bands (
    project varchar, algo varchar, band tinyint, key bigint, unit_id bigint
);

create table edges ( -- the evidence: `a` is the older unit
    project varchar, a bigint, b bigint, kind varchar, score double, algo varchar, "at" timestamptz
);

create table unit_clusters ( -- a unit that is not here is a cluster of its own
    project varchar, method varchar, -- near, dup
    unit_id bigint, cluster_id bigint -- the oldest unit
);

create table cluster_events (
    project varchar, method varchar, old_id varchar, new_id varchar,
    event varchar, -- merge, split
    "at" timestamptz
);

create table leaders ( -- requests that mean the same and were answered by the same steps
    project varchar, model varchar, unit_id bigint, skeleton_id bigint,
    leader_id bigint, -- the unit that leads, itself where it does; null: such steps show no intent
    cosine double -- to the leader
);

create table centroids ( -- of intents, as they were clustered together
    project varchar, model varchar, intent_id varchar, vector float[],
    episodes bigint -- so many were clustered, those that came first
);

create table intents (
    project varchar, intent_id varchar, name varchar, terms varchar[],
    named_by varchar, -- terms, or the model that named it
    "at" timestamptz
);

create table eval_hits ( -- what gives a case away, both ways
    project varchar, case_id varchar, episode_id varchar,
    rule varchar, -- exact, group, near, ngram, semantic, judged, similar
    score double, verdict varchar, -- contaminated, burned, held, clear
    "at" timestamptz
);

create table eval_overlaps ( -- what an episode repeats of a case, before boilerplate is left out
    project varchar, case_id varchar, episode_id varchar,
    rule varchar, -- exact, ngram
    starts integer[] -- of shared runs of words, by their place in the case; null: equal requests
);

create table eval_agreements ( -- the case that a request says in other words
    project varchar, model varchar, unit_id bigint, case_id varchar,
    cosine double, total double, lead double,
    rule varchar, -- semantic: nobody need be asked; similar
    judged boolean, judge_hash varchar, -- null: no judge was asked
    "at" timestamptz
);

create table votes ( -- as they were cast
    project varchar, episode_id varchar, name varchar, source varchar, family varchar,
    author varchar, value bigint, -- 1, 0; null: taken back
    origin varchar, -- outcome, rule, judge, silence: who brought it
    "at" timestamptz
);

create table judgements ( -- what a judge said of one revision, asked once
    project varchar, episode_id varchar, revision bigint, judge_hash varchar, name varchar,
    family varchar, -- who errs together: judges of one model
    value double, -- null: it could not tell
    explanation varchar, error varchar, "at" timestamptz
);

create table review_items ( -- an episode to look at; once in its life
    project varchar, item_id varchar, episode_id varchar,
    stratum varchar, -- random, disagreement, medoid, uncertainty
    selection_probability double, -- null: not drawn by chance
    drawn_at timestamptz, -- by chance; later than picked where a look was asked for before
    why varchar, picked_at timestamptz,
    resolution varchar, p_success double, -- when it was picked: no reviewer had a say
    asked bigint, -- reviewers; two where their agreement is measured
    state varchar, -- open, answered, skipped, flagged, marked, superseded
    state_at timestamptz
);

create table reviews ( -- what reviewers did; a label is an outcome as well
    project varchar, item_id varchar, episode_id varchar,
    revision bigint, -- of the episode that was looked at
    reviewer varchar,
    action varchar, -- success, failure, correction, skip, flag
    comment varchar, "at" timestamptz,
    outcome_id varchar -- null: skip, flag
);

create table pairs (
    project varchar, pair_id varchar, chosen varchar, rejected varchar,
    kind varchar, -- correction, retry, replay, across
    request varchar, -- cluster of the request
    turn bigint, -- message at which the two part
    p_chosen double, p_rejected double, margin double,
    correction varchar, -- hash of the scrubbed message that should have been said
    version varchar, "at" timestamptz
);

create table pair_events (
    project varchar, pair_id varchar, event varchar, -- made, retracted
    reason varchar, "at" timestamptz
);
