-- What people will do to lists: consumers, approvals, objections, verdicts, corrections, uniqueness of families.
-- The tables stand from the first day, because retrofitting them is the costliest mistake.
set local role perlinsos_owner;

-- grain: one consumer of published lists.
create table perlinsos.consumer (
    consumer_id text primary key check (consumer_id ~ '^[a-z][a-z0-9-]*$'),
    name text not null,
    profile text not null check (profile in ('payer', 'programme_owner', 'auditor', 'statistics', 'public')),
    token_key_id text not null,
    legal_basis text not null,
    revoked_at timestamptz
);

-- grain: one person's signature of one digest for one side. A person counts once, whatever the accounts.
create table perlinsos.approval (
    list_id text not null references perlinsos.list,
    list_digest perlinsos.digest not null,
    side text not null check (side in ('region', 'centre')),
    person_id text not null,
    name text not null,
    office text not null,
    capacity text not null,
    key_id text not null,
    signature text not null,
    signed_at timestamptz not null,
    voided_at timestamptz,
    primary key (list_id, list_digest, side)
);
create unique index one_person_one_side on perlinsos.approval (list_id, list_digest, person_id);

-- grain: one objection against one row of one revision (or `not on the list`). Holds numbers: loader and decider only.
create table perlinsos.objection (
    objection_id text primary key,
    list_id text references perlinsos.list,
    revision int,
    no_kk text,
    nik text,
    filed_by_nik text,
    relation_of_filer text,
    mandate_uri text,
    received_at timestamptz not null,
    recorded_at timestamptz not null,
    channel text not null check (channel in ('portal', 'agent', 'village')),
    claims text[] not null check (cardinality(claims) > 0),
    statement text,
    evidence_uri text,
    check (received_at <= recorded_at),
    check (no_kk is not null or nik is not null),
    check (list_id is not null or claims = '{TIDAK_TERCANTUM}')
);

-- grain: one verdict on one claim of an objection.
create table perlinsos.verdict (
    objection_id text not null references perlinsos.objection,
    claim text not null,
    verdict text not null check (verdict in ('upheld', 'partly', 'denied', 'inadmissible', 'withdrawn')),
    decided_at timestamptz not null,
    verifier text not null,
    method text not null,
    explanation text not null,
    primary key (objection_id, claim)
);

-- grain: one fact that a verdict put right. It outlives later deliveries of its source.
create table perlinsos.correction (
    correction_id bigint generated always as identity primary key,
    objection_id text not null,
    claim text not null,
    dataset text not null,
    row_key jsonb not null,
    column_name text not null,
    value text,
    true_from date not null,
    foreign key (objection_id, claim) references perlinsos.verdict
);

-- grain: one family that a final list pays in a stage; the number stands as a keyed hash.
create table perlinsos.family_claim (
    stage text not null,
    programme text not null,
    family_hash bytea not null check (octet_length(family_hash) = 32),
    list_id text not null references perlinsos.list,
    revision int not null,
    primary key (stage, programme, family_hash)
);

reset role;
