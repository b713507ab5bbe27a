-- What is decided from what: frozen input sets, the work on them with its fences, and the revisions of lists.
set local role perlinsos_owner;

-- grain: one frozen input set. Immutable.
create table perlinsos.input_set (
    input_set_digest perlinsos.digest primary key,
    document text not null,                 -- the canonical JSON that the digest covers
    frozen_at timestamptz not null default clock_timestamp()
);
create trigger input_set_is_immutable before update or delete on perlinsos.input_set
for each row execute function perlinsos.refuse_change();

-- grain: the nth input set of a cycle.
create table perlinsos.cycle_input_set (
    cycle_id text not null references perlinsos.cycle,
    number int not null check (number > 0),
    input_set_digest perlinsos.digest not null references perlinsos.input_set,
    reason text not null,
    at timestamptz not null,                -- the dispatch time that froze it
    primary key (cycle_id, number)
);
create trigger cycle_input_set_is_append_only before update or delete on perlinsos.cycle_input_set
for each row execute function perlinsos.refuse_change();

-- grain: one piece of work. A claim raises the fence; a commit must show the fence of today.
create table perlinsos.work (
    work_id bigint generated always as identity primary key,
    kind text not null check (kind in ('determine', 'finalise')),
    region_code text not null references perlinsos.region,
    stage text not null,
    purpose text not null check (purpose in ('live', 'backfill')),
    input_set_digest perlinsos.digest not null references perlinsos.input_set,
    statuses jsonb not null,                -- {programme: simulation | provisional | proposed}
    state text not null default 'due' check (state in ('due', 'claimed', 'done', 'failed', 'superseded')),
    fence bigint not null default 0 check (fence >= 0),
    holder text,                            -- who claimed it; the same holder may take it over at once
    lease_until timestamptz,
    error jsonb,
    created_at timestamptz not null default clock_timestamp(),
    check ((state = 'claimed') = (lease_until is not null)),
    check ((state = 'failed') = (error is not null))
);
create unique index one_work_in_force on perlinsos.work (kind, region_code, stage) where state <> 'superseded';

-- grain: one revision of a list. Simulations are counted apart, under a path of their own.
create table perlinsos.list_revision (
    list_id text not null references perlinsos.list,
    track text not null check (track in ('list', 'simulation')),
    revision int not null check (revision > 0),
    status text not null check (status in ('simulation', 'provisional', 'proposed', 'final')),
    list_digest perlinsos.digest not null,
    input_set_digest perlinsos.digest not null references perlinsos.input_set,
    supersedes int,
    state text not null check (state in ('reserved', 'published', 'abandoned')),
    work_id bigint not null references perlinsos.work,
    fence bigint not null,
    manifest_key text,
    manifest_sha256 perlinsos.digest,
    rows jsonb,
    reserved_at timestamptz not null default clock_timestamp(),
    published_at timestamptz,
    primary key (list_id, track, revision),
    check ((track = 'simulation') = (status = 'simulation')),
    check ((state = 'published') = (manifest_sha256 is not null)),
    check ((state = 'published') = (published_at is not null))
);
create unique index one_reservation on perlinsos.list_revision (list_id, track) where state = 'reserved';

reset role;
