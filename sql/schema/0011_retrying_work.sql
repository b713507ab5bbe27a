-- Work that was refused waits for a person: who has mended the cause asks for it again.
set local role perlinsos_owner;

-- The keys that were asked for again: one, or none where the work of that region and stage has not failed.
create function perlinsos.retry_work(wanted_kind text, code text, wanted_stage text)
returns setof text language plpgsql security definer set search_path = perlinsos, pg_temp as $$
begin
    return query
    update work set state = 'due', fence = fence + 1, holder = null, error = null, emitted_at = null
    where kind = wanted_kind and region_code = code and stage = wanted_stage and state = 'failed'
    returning region_code || '|' || stage;
    perform append_audit('retry_work', wanted_stage || '/' || code, jsonb_build_object('kind', wanted_kind));
end
$$;

grant execute on function perlinsos.retry_work(text, text, text) to perlinsos_decider;

reset role;
