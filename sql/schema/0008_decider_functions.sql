-- What the decider may do: freeze input sets, ask for work, open and close windows; and the claims with their fences.
set local role perlinsos_owner;

create function perlinsos.record_overlap(one text, other text, common bigint) returns void
language sql security definer set search_path = perlinsos, pg_temp as $$
    insert into batch_overlap values (least(one, other), greatest(one, other), common) on conflict do nothing
$$;

create function perlinsos.record_repair(held_batch text, later_batch text, rows_repaired bigint) returns void
language sql security definer set search_path = perlinsos, pg_temp as $$
    insert into batch_repair values (held_batch, later_batch, rows_repaired) on conflict do nothing
$$;

create function perlinsos.set_waiting(id text, reason text) returns void
language sql security definer set search_path = perlinsos, pg_temp as $$
    update cycle set waiting_reason = reason where cycle_id = id and waiting_reason is distinct from reason
$$;

-- Freezes an input set as the next one of a cycle. The first one fixes the lottery seed.
create function perlinsos.freeze_input_set(
    id text, digest text, content text, seed text, reason text, moment timestamptz
) returns int language plpgsql security definer set search_path = perlinsos, pg_temp as $$
declare
    c perlinsos.cycle;
    next_number int;
begin
    select * into strict c from cycle where cycle_id = id for update;
    if encode(sha256(convert_to(content, 'UTF8')), 'hex') <> digest then
        raise exception 'the digest is not that of the input set' using errcode = 'PL001';
    end if;
    if c.lottery_seed is not null and c.lottery_seed is distinct from seed then
        raise exception 'the lottery seed of % is fixed by its first input set', id using errcode = 'PL002';
    end if;
    insert into input_set (input_set_digest, document) values (digest, content) on conflict do nothing;
    select coalesce(max(number), 0) + 1 into next_number from cycle_input_set where cycle_id = id;
    insert into cycle_input_set values (id, next_number, digest, reason, moment);
    update cycle set lottery_seed = seed where cycle_id = id;
    perform append_audit('freeze_input_set', id, jsonb_build_object('number', next_number, 'digest', digest, 'reason', reason));
    return next_number;
end
$$;

-- Asks for the work on an input set. What was asked for before is superseded: its worker loses at its next commit.
create function perlinsos.require_work(wanted_kind text, id text, digest text, wanted jsonb) returns bigint
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
declare
    c perlinsos.cycle;
    new_id bigint;
begin
    select * into strict c from cycle where cycle_id = id for update;
    if exists (select from work where kind = wanted_kind and region_code = c.region_code and stage = c.stage
        and input_set_digest = digest and statuses = wanted and state <> 'superseded') then
        return null;
    end if;
    update work set state = 'superseded', fence = fence + 1, holder = null, lease_until = null, error = null
    where kind = wanted_kind and region_code = c.region_code and stage = c.stage and state <> 'superseded';
    insert into work (kind, region_code, stage, purpose, input_set_digest, statuses)
    values (wanted_kind, c.region_code, c.stage, c.purpose, digest, wanted) returning work_id into new_id;
    update list set settled_at = null where cycle_id = id;
    perform append_audit('require_work', id, jsonb_build_object('work', new_id, 'input_set', digest, 'statuses', wanted));
    return new_id;
end
$$;

create function perlinsos.settle_list(settled text, moment timestamptz) returns void
language sql security definer set search_path = perlinsos, pg_temp as $$
    update list set settled_at = moment where list_id = settled and settled_at is null
$$;

create function perlinsos.open_window(opened text, revision int, opens timestamptz, closes timestamptz, in_zone text)
returns void language plpgsql security definer set search_path = perlinsos, pg_temp as $$
begin
    if not exists (select from list_revision as r where r.list_id = opened and r.track = 'list'
        and r.revision = open_window.revision and r.state = 'published') then
        raise exception 'the list % has no published revision %', opened, revision using errcode = 'PL001';
    end if;
    insert into objection_window (list_id, window_number, first_revision, opens_at, closes_at, zone)
    values (opened, 1, revision, opens, closes, in_zone);
    perform append_audit('open_window', opened, jsonb_build_object('opens_at', opens, 'closes_at', closes, 'zone', in_zone));
end
$$;

create function perlinsos.close_window(closed text, number int, moment timestamptz) returns void
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
begin
    update objection_window set closed_seen_at = moment
    where list_id = closed and window_number = number and closed_seen_at is null and closes_at < moment;
    if not found then
        raise exception 'the window % of % is not over', number, closed using errcode = 'PL001';
    end if;
    perform append_audit('close_window', closed, jsonb_build_object('window', number));
end
$$;

-- Claims the work of a key: raises the fence. Nothing where it is done, or held by another whose lease runs.
create function perlinsos.claim_work(wanted_kind text, code text, wanted_stage text, claimer text, seconds int)
returns setof perlinsos.work language plpgsql security definer set search_path = perlinsos, pg_temp as $$
begin
    return query
    update work set state = 'claimed', fence = fence + 1, holder = claimer, error = null,
        lease_until = clock_timestamp() + make_interval(secs => seconds)
    where kind = wanted_kind and region_code = code and stage = wanted_stage
        and (state in ('due', 'failed')
            or (state = 'claimed' and (lease_until <= clock_timestamp() or holder = claimer)))
    returning *;
end
$$;

-- Refuses the commit of a worker whose claim is not the last one. Locks the row until the commit.
create function perlinsos.assert_fence(id bigint, shown bigint) returns void
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
declare
    w perlinsos.work;
begin
    select * into w from work where work_id = id for update;
    if w.state is distinct from 'claimed' or w.fence <> shown then
        raise exception 'the claim on work % was lost: fence % was shown, it stands at % (%)', id, shown, w.fence, w.state
            using errcode = 'PL002', hint = 'another worker or a newer input set took over; nothing was written here';
    end if;
end
$$;

create function perlinsos.renew_claim(id bigint, shown bigint, seconds int) returns void
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
begin
    perform assert_fence(id, shown);
    update work set lease_until = clock_timestamp() + make_interval(secs => seconds) where work_id = id;
end
$$;

-- Ends a claim: `due` gives the work back, `failed` sets it aside until a person or a new input set, `done` ends it.
create function perlinsos.end_claim(id bigint, shown bigint, outcome_state text, reason jsonb) returns void
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
begin
    perform assert_fence(id, shown);
    if outcome_state = 'done' and calling_role() <> 'publisher' then
        raise exception 'only the publisher ends work as done' using errcode = 'PL001';
    end if;
    update work set state = outcome_state, holder = null, lease_until = null, error = reason where work_id = id;
    perform append_audit('end_claim', id::text, jsonb_build_object('state', outcome_state, 'fence', shown));
end
$$;

reset role;
