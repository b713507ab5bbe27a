-- What the loader may do: note what landed, record deliveries, accept or refuse them.
set local role perlinsos_owner;

create function perlinsos.record_source(source text, digest text, content text) returns void
language sql security definer set search_path = perlinsos, pg_temp as $$
    insert into source_fingerprint (source_id, fingerprint, document) values (source, digest, content)
    on conflict do nothing
$$;

create function perlinsos.record_outcome(
    step text, key text, state text, counts jsonb, digests jsonb, error jsonb, duration_ms bigint
) returns void language sql security definer set search_path = perlinsos, pg_temp as $$
    insert into outcome (step, key, state, counts, digests, error, duration_ms)
    values (step, key, state, counts, digests, error, duration_ms)
$$;

-- Notes how a prefix is listed now. Gives the row; `listing_seen_at` moves only when the listing does.
create function perlinsos.note_listing(prefix text, source text, listing text, moment timestamptz)
returns perlinsos.landing_prefix language sql security definer set search_path = perlinsos, pg_temp as $$
    insert into landing_prefix as known (landing_prefix, source_id, listing_digest, listing_seen_at)
    values (prefix, source, listing, moment)
    on conflict (landing_prefix) do update set
        listing_seen_at = case when known.listing_digest = excluded.listing_digest
            then least(known.listing_seen_at, excluded.listing_seen_at) else excluded.listing_seen_at end,
        listing_digest = excluded.listing_digest
    returning *
$$;

-- Marks what a prefix changed to after it was taken as named. True where it was not named before.
create function perlinsos.name_changed_prefix(prefix text) returns boolean
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
begin
    update landing_prefix set changed_listing = listing_digest
    where landing_prefix = prefix and delivery_id is not null and taken_listing <> listing_digest
        and changed_listing is distinct from listing_digest;
    return found;
end
$$;

-- Records a delivery that landed. The bytes of the delivery before it in a row are that delivery.
create function perlinsos.record_delivery(entry jsonb, parts jsonb, moment timestamptz, out id bigint, out is_new boolean)
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
declare
    before perlinsos.delivery;
    taken bigint;
begin
    perform pg_advisory_xact_lock(7001, hashtext(entry ->> 'source_id'));
    select p.delivery_id into taken from landing_prefix as p join delivery as d using (delivery_id)
    where p.landing_prefix = entry ->> 'landing_prefix' and not (d.state = 'refused' and d.judged_at is null);
    if taken is not null then
        id := taken; is_new := false; return;
    end if;
    select * into before from delivery
    where source_id = entry ->> 'source_id' and scope = entry ->> 'scope'
        and snapshot_date = (entry ->> 'snapshot_date')::date and suffix <= (entry ->> 'suffix')::int
        and not (state = 'refused' and judged_at is null)
    order by suffix desc, delivery_id desc limit 1;
    is_new := before.content_digest is distinct from entry ->> 'content_digest';
    if is_new then
        insert into delivery (source_id, scope, snapshot_date, suffix, landing_prefix, content_digest, state, landed_at)
        values (entry ->> 'source_id', entry ->> 'scope', (entry ->> 'snapshot_date')::date, (entry ->> 'suffix')::int,
            entry ->> 'landing_prefix', entry ->> 'content_digest', 'landed', moment)
        returning delivery_id into id;
        insert into delivery_part
        select id, part.number, part.entry ->> 'landing_key', part.entry ->> 'raw_key', part.entry ->> 'sha256',
            (part.entry ->> 'bytes')::bigint
        from jsonb_array_elements(parts) with ordinality as part (entry, number);
        perform append_audit('record_delivery', id::text, entry - 'landing_prefix');
    else
        id := before.delivery_id;
    end if;
    update landing_prefix set delivery_id = id, taken_listing = entry ->> 'listing_digest'
    where landing_prefix = entry ->> 'landing_prefix';
end
$$;

-- Records that a prefix cannot be taken (no such source or region, malformed). `judged_at` stays null: nothing was read.
create function perlinsos.refuse_landing(entry jsonb, code text, error jsonb, moment timestamptz) returns bigint
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
declare
    id bigint;
begin
    insert into delivery (source_id, scope, snapshot_date, suffix, landing_prefix, content_digest, state, error_code,
        error, landed_at)
    values (entry ->> 'source_id', entry ->> 'scope', (entry ->> 'snapshot_date')::date, (entry ->> 'suffix')::int,
        entry ->> 'landing_prefix', entry ->> 'content_digest', 'refused', code, error, moment)
    returning delivery_id into id;
    update landing_prefix set delivery_id = id, taken_listing = entry ->> 'listing_digest'
    where landing_prefix = entry ->> 'landing_prefix';
    perform append_audit('refuse_landing', id::text, jsonb_build_object('code', code));
    return id;
end
$$;

create function perlinsos.lease_ingest(leased text, seconds int) returns void
language sql security definer set search_path = perlinsos, pg_temp as $$
    insert into ingest_lease values (leased, clock_timestamp() + make_interval(secs => seconds))
    on conflict (key) do update set lease_until = excluded.lease_until
$$;

-- Accepts a delivery under one judgement: batch, funnel, counts. False where this very batch was in force already.
create function perlinsos.accept_delivery(id bigint, entry jsonb, rules jsonb, moment timestamptz) returns boolean
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
declare
    d perlinsos.delivery;
    new_digest text := entry ->> 'batch_digest';
    in_force text;
begin
    select * into strict d from delivery where delivery_id = id for update;
    if d.state = 'refused' and d.judged_at is null then
        raise exception 'the delivery % was never taken', id using errcode = 'PL001';
    end if;
    select batch_digest into in_force from batch where delivery_id = id and replaced_by is null;
    update delivery set state = 'accepted', error = null, error_code = null, fingerprint = entry ->> 'fingerprint',
        judged_at = moment where delivery_id = id;
    if in_force = new_digest then
        return false;
    end if;
    insert into batch values (new_digest, id, d.source_id, entry ->> 'dataset', d.scope, entry ->> 'coverage',
        d.snapshot_date, d.suffix, entry ->> 'fingerprint', entry -> 'files', (entry ->> 'received')::bigint,
        (entry ->> 'accepted')::bigint, (entry ->> 'accepted_with_warnings')::bigint,
        (entry ->> 'quarantined')::bigint, (entry ->> 'numbers')::bigint, entry -> 'profile', null, moment)
    on conflict (batch_digest) do update set replaced_by = null;
    update batch set replaced_by = new_digest where batch_digest = in_force;
    insert into quarantine_summary
    select new_digest, r ->> 'rule', r ->> 'message_id', r ->> 'severity', (r ->> 'rows')::bigint
    from jsonb_array_elements(rules) as r
    on conflict do nothing;
    perform append_audit('accept_delivery', id::text, jsonb_build_object('batch', new_digest, 'replaces', in_force));
    return true;
end
$$;

-- Sets a delivery aside. One that was accepted before stays in force; the outcome row says what failed.
create function perlinsos.refuse_delivery(id bigint, judged text, code text, reason jsonb, moment timestamptz) returns void
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
begin
    update delivery set state = case when state = 'accepted' then 'accepted' else 'refused' end,
        error_code = case when state = 'accepted' then null else code end,
        error = case when state = 'accepted' then null else reason end,
        fingerprint = judged, judged_at = moment
    where delivery_id = id;
    perform append_audit('refuse_delivery', id::text, jsonb_build_object('code', code));
end
$$;

reset role;
