-- What arrives: landing prefixes, deliveries and the batches that were accepted from them. No row of a person here.
set local role perlinsos_owner;

-- grain: one source description as it was used.
create table perlinsos.source_fingerprint (
    source_id text not null,
    fingerprint perlinsos.digest not null,
    document text not null,
    first_used_at timestamptz not null default clock_timestamp(),
    primary key (source_id, fingerprint)
);

-- grain: one delivery. The bytes are in the raw bucket under their sha256.
create table perlinsos.delivery (
    delivery_id bigint generated always as identity primary key,
    source_id text not null,
    scope text not null,                    -- a region code or `national`
    snapshot_date date,
    suffix int not null default 1 check (suffix > 0),
    landing_prefix text not null,
    content_digest perlinsos.digest not null,   -- over the parts in order
    state text not null check (state in ('landed', 'accepted', 'refused')),
    error_code text,
    error jsonb,
    fingerprint perlinsos.digest,           -- of the description, rules and references that judged it last
    landed_at timestamptz not null,
    judged_at timestamptz,
    check ((state = 'refused') = (error is not null)),
    check (snapshot_date is not null or state = 'refused')
);
create index delivery_waiting on perlinsos.delivery (scope) where state = 'landed';
create index delivery_order on perlinsos.delivery (source_id, scope, snapshot_date, suffix, delivery_id);

-- grain: one object of a delivery, in the order in which it is read.
create table perlinsos.delivery_part (
    delivery_id bigint not null references perlinsos.delivery,
    part_number int not null,
    landing_key text not null,
    raw_key text not null,
    sha256 perlinsos.digest not null,
    bytes bigint not null check (bytes >= 0),
    primary key (delivery_id, part_number)
);

-- grain: one prefix of the landing bucket as it was last listed; delivery_id where it was taken.
create table perlinsos.landing_prefix (
    landing_prefix text primary key,
    source_id text not null,
    listing_digest perlinsos.digest not null,
    listing_seen_at timestamptz not null,   -- when this very listing was first seen
    delivery_id bigint references perlinsos.delivery,
    taken_listing perlinsos.digest,
    changed_listing perlinsos.digest        -- what it changed to after it was taken, already named
);

-- grain: one accepted delivery under one judgement. Its objects lie under batches/<batch_digest>/ and never change.
create table perlinsos.batch (
    batch_digest perlinsos.digest primary key,
    delivery_id bigint not null references perlinsos.delivery,
    source_id text not null,
    dataset text not null,
    scope text not null,
    coverage text not null check (coverage in ('full', 'delta')),
    snapshot_date date not null,
    suffix int not null,
    fingerprint perlinsos.digest not null,
    files jsonb not null,                   -- {accepted.parquet: sha256, …}
    received bigint not null,
    accepted bigint not null check (accepted >= 0),
    accepted_with_warnings bigint not null check (accepted_with_warnings >= 0),
    quarantined bigint not null check (quarantined >= 0),
    numbers bigint not null check (numbers >= 0),   -- distinct NIK and No KK in its index
    profile jsonb,                          -- shares and volumes, for the drift of the delivery after it
    replaced_by perlinsos.digest references perlinsos.batch,
    accepted_at timestamptz not null,
    constraint funnel_adds_up check (received = accepted + accepted_with_warnings + quarantined)
);
create index batch_in_force on perlinsos.batch (scope, source_id, snapshot_date, suffix) where replaced_by is null;

-- grain: one rule that some rows of a batch failed.
create table perlinsos.quarantine_summary (
    batch_digest perlinsos.digest not null references perlinsos.batch,
    rule text not null,
    message_id text not null,
    severity text not null,
    rows bigint not null check (rows > 0),
    primary key (batch_digest, rule, message_id, severity)
);

-- grain: one pair of batches that was compared, the smaller digest first.
create table perlinsos.batch_overlap (
    batch_a perlinsos.digest not null references perlinsos.batch,
    batch_b perlinsos.digest not null references perlinsos.batch,
    shared bigint not null check (shared >= 0),
    primary key (batch_a, batch_b),
    check (batch_a < batch_b)
);

-- grain: one pair of batches: how many rows that `held` quarantined a later batch brings.
create table perlinsos.batch_repair (
    held perlinsos.digest not null references perlinsos.batch,
    later perlinsos.digest not null references perlinsos.batch,
    repaired bigint not null check (repaired >= 0),
    primary key (held, later)
);

-- grain: one key whose deliveries are being read; pull does not call for it again until then.
create table perlinsos.ingest_lease (
    key text primary key,
    lease_until timestamptz not null
);

-- grain: one step that ran on one key, also when it failed.
create table perlinsos.outcome (
    outcome_id bigint generated always as identity primary key,
    step text not null,
    key text not null,
    state text not null check (state in ('done', 'nothing_new', 'refused', 'failed')),
    counts jsonb not null,
    digests jsonb not null,
    error jsonb,
    duration_ms bigint not null check (duration_ms >= 0),
    recorded_at timestamptz not null default clock_timestamp(),
    check ((state in ('refused', 'failed')) = (error is not null))
);
create index outcome_newest on perlinsos.outcome (key, step, outcome_id desc);
create trigger outcome_is_append_only before update or delete on perlinsos.outcome
for each row execute function perlinsos.refuse_change();

reset role;
