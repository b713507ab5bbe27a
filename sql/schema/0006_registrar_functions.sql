-- What a registrar may do: regions, cycles, decrees.
set local role perlinsos_owner;

-- The caller's role without its prefix: what state_transition.entitled names.
create function perlinsos.calling_role() returns text language sql stable as $$
    select replace(coalesce(nullif(current_setting('role', true), 'none'), session_user), 'perlinsos_', '')
$$;

create function perlinsos.keep_record(digest text, kind text, document text) returns void
language plpgsql set search_path = perlinsos, pg_temp as $$
begin
    if encode(sha256(convert_to(document, 'UTF8')), 'hex') <> digest then
        raise exception 'the digest is not that of the document' using errcode = 'PL001';
    end if;
    insert into record values (digest, kind, document) on conflict do nothing;
end
$$;

-- Moves a list one step, if the table of transitions has the step and entitles the caller's role.
create function perlinsos.move_list(moved text, target text, reason text, moment timestamptz) returns void
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
declare
    current_one perlinsos.list;
    step perlinsos.state_transition;
begin
    select * into current_one from list where list_id = moved for update;
    if not found then
        raise exception 'there is no list %', moved using errcode = 'PL001';
    end if;
    select * into step from state_transition where from_state = current_one.state and to_state = target::list_state;
    if not found then
        raise exception 'the list % cannot go from % to %', moved, current_one.state, target using errcode = 'PL001';
    end if;
    if not calling_role() = any (step.entitled) then
        raise exception 'the role % may not move a list from % to %', calling_role(), current_one.state, target
            using errcode = 'PL001';
    end if;
    update list set state = target::list_state where list_id = moved;
    insert into list_step (list_id, from_state, to_state, reason, at)
    values (moved, current_one.state, target::list_state, reason, moment);
    perform append_audit('move_list', moved, jsonb_build_object('from', current_one.state, 'to', target, 'reason', reason));
end
$$;

create function perlinsos.add_region(entry jsonb, digest text, document text) returns boolean
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
declare
    code text := entry ->> 'region_code';
begin
    if exists (select from region where region_code = code and record_digest = digest) then
        return false;
    end if;
    perform keep_record(digest, 'region', document);
    insert into region values (code, entry ->> 'name', entry ->> 'zone',
        array(select jsonb_array_elements_text(entry -> 'programmes')), entry ->> 'scope', entry -> 'office', digest)
    on conflict (region_code) do update set name = excluded.name, zone = excluded.zone,
        programmes = excluded.programmes, scope = excluded.scope, office = excluded.office,
        record_digest = excluded.record_digest;
    perform append_audit('add_region', code, jsonb_build_object('record', digest));
    return true;
end
$$;

-- A cycle may be put right until the first of its lists has an open window.
create function perlinsos.add_cycle(entry jsonb, digest text, document text) returns boolean
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
declare
    id text := (entry ->> 'stage') || '/' || (entry ->> 'region_code');
begin
    if exists (select from cycle where cycle_id = id and record_digest = digest) then
        return false;
    end if;
    if not exists (select from region where region_code = entry ->> 'region_code') then
        raise exception 'the region % is not registered', entry ->> 'region_code'
            using errcode = 'PL001', hint = 'perlinsos region add FILE';
    end if;
    if exists (select from list where cycle_id = id and state not in ('planned', 'collecting', 'determined', 'simulation')) then
        raise exception 'the cycle % has a list whose window was opened; it cannot change', id using errcode = 'PL001';
    end if;
    perform keep_record(digest, 'cycle', document);
    insert into cycle (cycle_id, region_code, stage, purpose, cut_off, required, announce_at, window_months,
        lottery_seed_rule, settings, record_digest)
    values (id, entry ->> 'region_code', entry ->> 'stage', entry ->> 'purpose', (entry ->> 'cut_off')::date,
        entry -> 'required', (entry ->> 'announce_at')::timestamptz, (entry ->> 'window_months')::int,
        entry ->> 'lottery_seed_rule', entry -> 'settings', digest)
    on conflict (cycle_id) do update set purpose = excluded.purpose, cut_off = excluded.cut_off,
        required = excluded.required, announce_at = excluded.announce_at, window_months = excluded.window_months,
        lottery_seed_rule = excluded.lottery_seed_rule, settings = excluded.settings,
        record_digest = excluded.record_digest;
    insert into list (list_id, cycle_id, region_code, stage, programme)
    select id || '/' || programme, id, r.region_code, entry ->> 'stage', programme
    from region as r, unnest(r.programmes) as programme
    where r.region_code = entry ->> 'region_code'
    on conflict do nothing;
    perform append_audit('add_cycle', id, jsonb_build_object('record', digest));
    return true;
end
$$;

-- The first call registers, the second by another person confirms the same text. Gives `registered`, `confirmed` or `unchanged`.
create function perlinsos.register_decree(entry jsonb, digest text, document text, registrar text) returns text
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
declare
    id text := entry ->> 'decree_id';
    known perlinsos.decree;
begin
    perform pg_advisory_xact_lock(7001, hashtext(id));
    select * into known from decree where decree_id = id;
    if not found then
        perform keep_record(digest, 'decree', document);
        insert into decree values (id, (entry ->> 'kind')::decree_kind, entry ->> 'number', entry ->> 'issuer',
            entry ->> 'signatory_name', entry ->> 'signatory_office', (entry ->> 'signed_on')::date, (entry ->> 'in_force_from')::date,
            (entry ->> 'in_force_until')::date, array(select jsonb_array_elements_text(entry -> 'regions')),
            array(select jsonb_array_elements_text(entry -> 'programmes')),
            array(select jsonb_array_elements_text(entry -> 'stages')), entry ->> 'revokes', entry -> 'quotas',
            entry ->> 'document_key', entry ->> 'document_sha256', digest, registrar, null, null);
        perform append_audit('register_decree', id, jsonb_build_object('record', digest, 'registrar', registrar));
        return 'registered';
    end if;
    if known.record_digest <> digest or known.document_sha256 <> entry ->> 'document_sha256' then
        raise exception 'the decree % was registered with another text or document', id
            using errcode = 'PL002', hint = 'compare the two files; a changed decree has a number of its own';
    end if;
    if known.second_registrar is not null then
        return 'unchanged';
    end if;
    if lower(btrim(known.first_registrar)) = lower(btrim(registrar)) then
        raise exception 'the decree % was registered by the same person before', id
            using errcode = 'PL001', hint = 'a second person registers the same file';
    end if;
    update decree set second_registrar = registrar, registered_at = clock_timestamp() where decree_id = id;
    perform append_audit('confirm_decree', id, jsonb_build_object('registrar', registrar));
    return 'confirmed';
end
$$;

-- The decrees of a kind that two people registered and that hold for a region on a day.
create function perlinsos.decrees_in_force(wanted text, code text, day date) returns setof perlinsos.decree
language sql stable security definer set search_path = perlinsos, pg_temp as $$
    select d.* from decree as d
    where d.kind = wanted::decree_kind and d.registered_at is not null and code = any (d.regions)
        and d.in_force_from <= day and (d.in_force_until is null or d.in_force_until >= day)
        and not exists (
            select from decree as r
            where r.revokes = d.decree_id and r.registered_at is not null and r.in_force_from <= day)
    order by d.signed_on desc, d.decree_id
$$;

reset role;
