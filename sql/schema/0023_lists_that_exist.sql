-- A cycle has lists of the region's programmes but those that do not exist at its stage (`absent`, as programmes/ says).
-- The same record again brings the lists that are missing since: of a programme that the region's record or programmes/ has now.
set local role perlinsos_owner;

create or replace function perlinsos.add_cycle(entry jsonb, digest text, document text) returns boolean
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
declare
    id text := (entry ->> 'stage') || '/' || (entry ->> 'region_code');
    missing text[] := array(
        select wanted from region as r, unnest(r.programmes) as wanted
        where r.region_code = entry ->> 'region_code' and not coalesce(entry -> 'absent', '[]') ? wanted
            and not exists (select from list as l where l.cycle_id = id and l.programme = wanted));
    is_opened boolean := exists (
        select from list where cycle_id = id and state not in ('planned', 'collecting', 'determined', 'simulation'));
begin
    if exists (select from cycle where cycle_id = id and record_digest = digest) and (is_opened or missing = '{}') then
        return false;
    end if;
    if not exists (select from region where region_code = entry ->> 'region_code') then
        raise exception 'the region % is not registered', entry ->> 'region_code'
            using errcode = 'PL001', hint = 'perlinsos region add FILE';
    end if;
    if is_opened then
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
    select id || '/' || programme, id, entry ->> 'region_code', entry ->> 'stage', programme
    from unnest(missing) as programme
    on conflict do nothing;
    perform append_audit('add_cycle', id, jsonb_build_object('record', digest, 'lists', to_jsonb(missing)));
    return true;
end
$$;

reset role;
