-- What people decide: regions, cycles, decrees; and the lists with their states and windows.
set local role perlinsos_owner;

create domain perlinsos.digest as text check (value ~ '^[0-9a-f]{64}$');

-- grain: one text that was ever registered (YAML as it was read), by its digest.
create table perlinsos.record (
    record_digest perlinsos.digest primary key,
    kind text not null check (kind in ('region', 'cycle', 'decree')),
    document text not null,
    recorded_at timestamptz not null default clock_timestamp()
);

-- grain: one region (regency or city) that takes part.
create table perlinsos.region (
    region_code text primary key check (region_code ~ '^\d{2}\.\d{2}$'),
    name text not null,
    zone text not null check (zone in ('WIB', 'WITA', 'WIT')),
    programmes text[] not null check (cardinality(programmes) > 0),
    scope text not null check (scope in ('population', 'registrants')),
    office jsonb not null,
    record_digest perlinsos.digest not null references perlinsos.record
);

-- grain: one region and stage that is to be determined.
create table perlinsos.cycle (
    cycle_id text primary key,
    region_code text not null references perlinsos.region,
    stage text not null check (stage ~ '^\d{4}-T[1-4]$'),
    purpose text not null check (purpose in ('live', 'backfill')),
    cut_off date not null,
    required jsonb not null check (jsonb_typeof(required) = 'array' and required <> '[]'),
    announce_at timestamptz not null,
    window_months int not null check (window_months between 0 and 12),
    lottery_seed_rule text not null check (lottery_seed_rule in ('cycle_and_content', 'none')),
    settings jsonb not null check (jsonb_typeof(settings) = 'object'),
    record_digest perlinsos.digest not null references perlinsos.record,
    lottery_seed perlinsos.digest,          -- fixed by the first frozen input set
    waiting_reason text,                    -- why it does not move, in a person's words; null where it does
    unique (region_code, stage),
    check (cycle_id = stage || '/' || region_code)
);

create type perlinsos.decree_kind as enum ('tim', 'kuota', 'parameter', 'penetapan', 'perubahan', 'pencabutan');

-- grain: one decree (SK). It counts once two different people have registered the same text.
create table perlinsos.decree (
    decree_id text primary key,
    kind perlinsos.decree_kind not null,
    number text not null,                   -- as it stands on the paper
    issuer text not null,
    signatory_name text not null,
    signatory_office text not null,
    signed_on date not null,
    in_force_from date not null,
    in_force_until date check (in_force_until >= in_force_from),
    regions text[] not null check (cardinality(regions) > 0),
    programmes text[] not null,             -- empty: all
    stages text[] not null,                 -- empty: all
    revokes text references perlinsos.decree,
    quotas jsonb not null,                  -- kuota: [{region_code, programme, stage, quota}]
    document_key text not null,
    document_sha256 perlinsos.digest not null,
    record_digest perlinsos.digest not null references perlinsos.record,
    first_registrar text not null,
    second_registrar text,
    registered_at timestamptz,
    check (lower(btrim(first_registrar)) <> lower(btrim(second_registrar))),
    check ((second_registrar is null) = (registered_at is null)),
    check ((kind = 'kuota') = (quotas <> '[]'))
);

create type perlinsos.list_state as enum (
    'planned', 'collecting', 'determined', 'provisional', 'window_closed', 'proposed', 'approved_region',
    'approved_centre', 'approved', 'decreed', 'final', 'released', 'simulation', 'returned', 'suspended', 'withdrawn'
);

-- grain: one step that a list may take, and the roles that may take it (legal-process.md section 2).
create table perlinsos.state_transition (
    from_state perlinsos.list_state not null,
    to_state perlinsos.list_state not null,
    entitled text[] not null,
    primary key (from_state, to_state)
);
insert into perlinsos.state_transition values
    ('planned', 'collecting', '{decider}'),
    ('collecting', 'determined', '{publisher}'),
    ('collecting', 'simulation', '{publisher}'),
    ('simulation', 'collecting', '{decider}'),          -- a quota decree came: a list begins, the simulation stays one
    ('determined', 'provisional', '{decider}'),         -- the window opens
    ('provisional', 'window_closed', '{decider}'),
    ('window_closed', 'proposed', '{publisher}'),
    ('proposed', 'approved_region', '{approver_region}'),
    ('proposed', 'approved_centre', '{approver_centre}'),
    ('approved_centre', 'approved', '{approver_region}'),
    ('approved_region', 'approved', '{approver_centre}'),
    ('approved', 'decreed', '{registrar}'),
    ('decreed', 'final', '{publisher}'),
    ('final', 'released', '{publisher}'),
    ('proposed', 'returned', '{approver_region,approver_centre}'),
    ('approved_region', 'returned', '{approver_region,approver_centre}'),
    ('approved_centre', 'returned', '{approver_region,approver_centre}'),
    ('approved', 'returned', '{approver_region,approver_centre}'),
    ('returned', 'proposed', '{publisher}'),
    ('final', 'suspended', '{approver_region,approver_centre}'),
    ('released', 'suspended', '{approver_region,approver_centre}'),
    ('suspended', 'final', '{approver_region,approver_centre}'),
    ('suspended', 'released', '{approver_region,approver_centre}'),
    ('final', 'withdrawn', '{registrar}'),
    ('released', 'withdrawn', '{registrar}'),
    ('suspended', 'withdrawn', '{registrar}');

-- grain: one list = region x programme x stage.
create table perlinsos.list (
    list_id text primary key,
    cycle_id text not null references perlinsos.cycle,
    region_code text not null,
    stage text not null,
    programme text not null check (programme ~ '^[a-z][a-z0-9_]*$'),
    state perlinsos.list_state not null default 'planned',
    settled_at timestamptz,                 -- the dispatch time that saw its newest input set published
    unique (cycle_id, programme),
    check (list_id = stage || '/' || region_code || '/' || programme)
);

-- grain: one step that a list took.
create table perlinsos.list_step (
    step_id bigint generated always as identity primary key,
    list_id text not null references perlinsos.list,
    from_state perlinsos.list_state not null,
    to_state perlinsos.list_state not null,
    reason text not null,
    at timestamptz not null,
    foreign key (from_state, to_state) references perlinsos.state_transition
);

-- grain: one window of objection; number 1 is the list's first, later ones are for some families only.
create table perlinsos.objection_window (
    list_id text not null references perlinsos.list,
    window_number int not null check (window_number > 0),
    first_revision int not null,
    opens_at timestamptz not null,
    closes_at timestamptz not null check (closes_at > opens_at),
    zone text not null check (zone in ('WIB', 'WITA', 'WIT')),
    closed_seen_at timestamptz,
    primary key (list_id, window_number)
);

reset role;
