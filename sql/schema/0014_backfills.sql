-- Backfills: the past stages that a reviewed plan gives to a region, and how they wait behind live work.
set local role perlinsos_owner;

-- grain: one plan that was reviewed and applied. Its text is the file that the reviewer saw.
create table perlinsos.backfill (
    backfill_id text primary key,
    region_code text not null references perlinsos.region,
    first_stage text not null,
    last_stage text not null check (last_stage >= first_stage),
    reason text not null check (btrim(reason) <> ''),
    watcher text not null check (btrim(watcher) <> ''),     -- who looks after it until it is done
    reviewer text not null check (btrim(reviewer) <> ''),
    planned_at timestamptz not null,
    applied_at timestamptz not null,
    cancelled_at timestamptz,
    cancelled_by text,
    plan_digest perlinsos.digest not null,
    document text not null,
    number bigint generated always as identity,             -- the order in which they were applied
    check (lower(btrim(watcher)) <> lower(btrim(reviewer))),
    check ((cancelled_at is null) = (cancelled_by is null))
);

-- grain: one stage of a plan. A stage that runs is decided from this input set and no other.
create table perlinsos.backfill_stage (
    backfill_id text not null references perlinsos.backfill,
    stage text not null check (stage ~ '^\d{4}-T[1-4]$'),
    action text not null check (action in ('RUN', 'KEEP', 'BLOCKED')),
    why text not null,
    remedy text not null,                   -- the command that helps; empty where none is needed
    input_set_digest perlinsos.digest,
    cancelled_at timestamptz,
    primary key (backfill_id, stage),
    check (action <> 'RUN' or input_set_digest is not null),
    check (action = 'RUN' or cancelled_at is null)
);

-- One apply at a time for a region: false where another one is at work.
create function perlinsos.lock_backfill(code text) returns boolean language sql as $$
    select pg_try_advisory_xact_lock(7003, hashtext(code))
$$;

-- The cycles of a region's stages, each locked against dispatch until the commit, always in the same order.
create function perlinsos.lock_stages(code text, stages text[]) returns void language plpgsql as $$
declare
    one text;
begin
    for one in select distinct unnest(stages) order by 1 loop
        perform pg_advisory_xact_lock(7002, hashtext(one || '/' || code));
    end loop;
end
$$;

-- Writes a reviewed plan and registers the cycles that it brings; false where this very plan was applied before.
create function perlinsos.apply_backfill(entry jsonb, stages jsonb, content text, moment timestamptz) returns boolean
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
declare
    id text := entry ->> 'backfill_id';
    code text := entry ->> 'region_code';
    known perlinsos.backfill;
    one jsonb;
begin
    select * into known from backfill where backfill_id = id;
    if found then
        if known.plan_digest <> entry ->> 'plan_digest' then
            raise exception 'another plan was applied as %', id using errcode = 'PL002';
        end if;
        return false;
    end if;
    perform lock_stages(code, array(select stage ->> 'stage' from jsonb_array_elements(stages) as stage));
    insert into backfill values (id, code, entry ->> 'first_stage', entry ->> 'last_stage', entry ->> 'reason',
        entry ->> 'watcher', entry ->> 'reviewer', (entry ->> 'planned_at')::timestamptz, moment, null, null,
        entry ->> 'plan_digest', content);
    for one in select stage from jsonb_array_elements(stages) as stage order by stage ->> 'stage' loop
        if one -> 'cycle' <> 'null' then
            perform add_cycle(one -> 'cycle', one ->> 'record_digest', one ->> 'record_document');
        end if;
        insert into backfill_stage values (id, one ->> 'stage', one ->> 'action', one ->> 'why', one ->> 'remedy',
            one ->> 'input_set_digest', null);
    end loop;
    perform append_audit('apply_backfill', id, jsonb_build_object('plan', entry ->> 'plan_digest',
        'watcher', entry ->> 'watcher', 'reviewer', entry ->> 'reviewer'));
    return true;
end
$$;

-- Takes back the stages of a plan that nobody has begun (no task has ever claimed their work); gives these stages.
create function perlinsos.cancel_backfill(id text, who text, moment timestamptz) returns setof text
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
declare
    code text;
    one perlinsos.backfill_stage;
begin
    select region_code into code from backfill where backfill_id = id;
    if not found then
        raise exception 'there is no backfill %', id using errcode = 'PL001', hint = 'perlinsos backfill status';
    end if;
    perform lock_stages(code, array(select stage from backfill_stage where backfill_id = id));
    for one in select * from backfill_stage where backfill_id = id and action = 'RUN' and cancelled_at is null
        order by stage loop
        perform 1 from work where kind = 'determine' and region_code = code and stage = one.stage
            and input_set_digest = one.input_set_digest and state <> 'superseded' for update;
        if exists (select from work where kind = 'determine' and region_code = code and stage = one.stage
            and input_set_digest = one.input_set_digest and state <> 'superseded' and fence > 0) then
            continue;
        end if;
        update work set state = 'superseded', fence = fence + 1
        where kind = 'determine' and region_code = code and stage = one.stage
            and input_set_digest = one.input_set_digest and state <> 'superseded';
        update backfill_stage set cancelled_at = moment where backfill_id = id and stage = one.stage;
        return next one.stage;
    end loop;
    update backfill set cancelled_at = moment, cancelled_by = who where backfill_id = id and cancelled_at is null;
    if found then
        perform append_audit('cancel_backfill', id, jsonb_build_object('by', who));
    end if;
end
$$;

-- Live work first: a tick that calls for live work calls for no backfill, and while live work is on the way one
-- backfill at most is, so that a place in the engine's pool stays free for it. Else as before (0010).
create or replace function perlinsos.emit_work(
    wanted_kind text, moment timestamptz, lease_seconds int, backfills int
) returns setof text language plpgsql security definer set search_path = perlinsos, pg_temp as $$
declare
    live_on_the_way int;
    backfills_on_the_way int;
    allowed int;
begin
    perform pg_advisory_xact_lock(7001, 2);
    select count(*) filter (where purpose = 'live'), count(*) filter (where purpose = 'backfill')
    into live_on_the_way, backfills_on_the_way
    from work
    where kind = wanted_kind and (
        (state = 'claimed' and lease_until > clock_timestamp())
        or (state = 'due' and emitted_at < moment and emitted_at > moment - make_interval(secs => lease_seconds)));
    allowed := case when live_on_the_way > 0 then least(backfills, 1) else backfills end - backfills_on_the_way;
    return query
    with callable as (
        select work_id, purpose,
            row_number() over (partition by purpose order by stage, region_code, work_id) as place,
            count(*) filter (where purpose = 'live') over () as live_callable
        from work
        where kind = wanted_kind
            and (state = 'due' or (state = 'claimed' and lease_until <= clock_timestamp()))
            and (emitted_at is null or emitted_at >= moment
                or emitted_at <= moment - make_interval(secs => lease_seconds))
    ), called as (
        update work set emitted_at = moment
        from callable
        where work.work_id = callable.work_id
            and (callable.purpose = 'live' or (callable.live_callable = 0 and callable.place <= allowed))
        returning work.region_code || '|' || work.stage as key, work.purpose, work.stage, work.region_code
    )
    select key from called order by purpose desc, stage, region_code;
end
$$;

grant select on perlinsos.backfill, perlinsos.backfill_stage to perlinsos_registrar, perlinsos_loader, perlinsos_watcher,
    perlinsos_decider, perlinsos_publisher, perlinsos_approver_region, perlinsos_approver_centre, perlinsos_reader;
grant execute on function perlinsos.lock_backfill(text), perlinsos.lock_stages(text, text[]),
    perlinsos.apply_backfill(jsonb, jsonb, text, timestamptz),
    perlinsos.cancel_backfill(text, text, timestamptz) to perlinsos_registrar;

reset role;
