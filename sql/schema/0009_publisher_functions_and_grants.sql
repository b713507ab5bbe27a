-- What the publisher may do, and who may call and read what.
set local role perlinsos_owner;

-- The next revision of a list, or null where its last one has this digest and status. An unfinished reservation of the
-- same digest and status gives the same number again; one of another digest is abandoned, its number never used again.
create function perlinsos.reserve_revision(
    reserved text, digest text, wanted_status text, id bigint, shown bigint
) returns int language plpgsql security definer set search_path = perlinsos, pg_temp as $$
declare
    wanted_track text := case when wanted_status = 'simulation' then 'simulation' else 'list' end;
    last_published perlinsos.list_revision;
    open_one perlinsos.list_revision;
    number int;
    set_digest text;
begin
    perform assert_fence(id, shown);
    perform 1 from list where list_id = reserved for update;
    select w.input_set_digest into set_digest from work as w join list as l using (region_code, stage)
    where w.work_id = id and l.list_id = reserved and w.statuses ->> l.programme = wanted_status;
    if set_digest is null then
        raise exception 'work % does not ask for % with the status %', id, reserved, wanted_status using errcode = 'PL001';
    end if;
    select * into last_published from list_revision
    where list_id = reserved and track = wanted_track and state = 'published' order by revision desc limit 1;
    select * into open_one from list_revision where list_id = reserved and track = wanted_track and state = 'reserved';
    if open_one.revision is not null and open_one.list_digest = digest and open_one.status = wanted_status then
        update list_revision set work_id = id, fence = shown, input_set_digest = set_digest
        where list_id = reserved and track = wanted_track and revision = open_one.revision;
        return open_one.revision;
    end if;
    if open_one.revision is null and last_published.list_digest = digest and last_published.status = wanted_status then
        return null;
    end if;
    update list_revision set state = 'abandoned'
    where list_id = reserved and track = wanted_track and state = 'reserved';
    select coalesce(max(revision), 0) + 1 into number from list_revision
    where list_id = reserved and track = wanted_track;
    insert into list_revision (list_id, track, revision, status, list_digest, input_set_digest, supersedes, state, work_id, fence)
    values (reserved, wanted_track, number, wanted_status, digest, set_digest, last_published.revision, 'reserved', id, shown);
    perform append_audit('reserve_revision', reserved, jsonb_build_object('track', wanted_track, 'revision', number, 'list_digest', digest));
    return number;
end
$$;

-- The state that a published revision brings its list to.
create function perlinsos.follow_publication(published text, wanted_status text, moment timestamptz) returns void
language plpgsql set search_path = perlinsos, pg_temp as $$
declare
    now_in text;
begin
    select state into now_in from list where list_id = published;
    if now_in = 'collecting' then
        perform move_list(published, case when wanted_status = 'simulation' then 'simulation' else 'determined' end,
            'published', moment);
    elsif now_in = 'window_closed' and wanted_status = 'proposed' then
        perform move_list(published, 'proposed', 'published', moment);
    end if;
end
$$;

create function perlinsos.record_published(
    published text, wanted_track text, number int, digest text, key text, sha256_of_manifest text, row_counts jsonb,
    id bigint, shown bigint, moment timestamptz
) returns void language plpgsql security definer set search_path = perlinsos, pg_temp as $$
declare
    r perlinsos.list_revision;
begin
    perform assert_fence(id, shown);
    select * into r from list_revision
    where list_id = published and track = wanted_track and revision = number for update;
    if r.list_digest is distinct from digest or r.state = 'abandoned' then
        raise exception 'revision % of % is not reserved for this digest', number, published using errcode = 'PL002';
    end if;
    if r.state = 'published' then
        if r.manifest_sha256 <> sha256_of_manifest then
            raise exception 'revision % of % was published with another manifest', number, published using errcode = 'PL002';
        end if;
        return;
    end if;
    update list_revision set state = 'published', manifest_key = key, manifest_sha256 = sha256_of_manifest,
        rows = row_counts, published_at = moment
    where list_id = published and track = wanted_track and revision = number;
    perform follow_publication(published, r.status, moment);
    perform append_audit('record_published', published, jsonb_build_object('track', wanted_track, 'revision', number,
        'list_digest', digest, 'manifest_sha256', sha256_of_manifest));
end
$$;

-- Records a manifest of the reserved digest that a dead publisher left complete. Needs no fence: the bytes are there.
create function perlinsos.adopt_revision(
    adopted text, wanted_track text, number int, digest text, key text, sha256_of_manifest text, moment timestamptz
) returns void language plpgsql security definer set search_path = perlinsos, pg_temp as $$
declare
    r perlinsos.list_revision;
begin
    select * into r from list_revision
    where list_id = adopted and track = wanted_track and revision = number for update;
    if r.list_digest is distinct from digest or r.state = 'published' then
        raise exception 'revision % of % does not wait for this digest', number, adopted using errcode = 'PL002';
    end if;
    update list_revision set state = 'published', manifest_key = key, manifest_sha256 = sha256_of_manifest,
        published_at = moment
    where list_id = adopted and track = wanted_track and revision = number;
    perform follow_publication(adopted, r.status, moment);
    perform append_audit('adopt_revision', adopted, jsonb_build_object('track', wanted_track, 'revision', number, 'list_digest', digest));
end
$$;

grant execute on function perlinsos.find_audit_break() to public;
grant execute on function perlinsos.calling_role() to public;
grant execute on function perlinsos.decrees_in_force(text, text, date) to public;

grant execute on function perlinsos.add_region(jsonb, text, text), perlinsos.add_cycle(jsonb, text, text),
    perlinsos.register_decree(jsonb, text, text, text) to perlinsos_registrar;

grant execute on function perlinsos.move_list(text, text, text, timestamptz) to perlinsos_decider, perlinsos_publisher,
    perlinsos_approver_region, perlinsos_approver_centre, perlinsos_registrar;

grant execute on function perlinsos.record_outcome(text, text, text, jsonb, jsonb, jsonb, bigint)
    to perlinsos_loader, perlinsos_decider, perlinsos_publisher;

grant execute on function perlinsos.record_source(text, text, text),
    perlinsos.note_listing(text, text, text, timestamptz), perlinsos.name_changed_prefix(text),
    perlinsos.record_delivery(jsonb, jsonb, timestamptz), perlinsos.refuse_landing(jsonb, text, jsonb, timestamptz),
    perlinsos.lease_ingest(text, int), perlinsos.accept_delivery(bigint, jsonb, jsonb, timestamptz),
    perlinsos.refuse_delivery(bigint, text, text, jsonb, timestamptz) to perlinsos_loader;

grant execute on function perlinsos.record_overlap(text, text, bigint), perlinsos.record_repair(text, text, bigint),
    perlinsos.set_waiting(text, text),
    perlinsos.freeze_input_set(text, text, text, text, text, timestamptz),
    perlinsos.require_work(text, text, text, jsonb), perlinsos.settle_list(text, timestamptz),
    perlinsos.open_window(text, int, timestamptz, timestamptz, text),
    perlinsos.close_window(text, int, timestamptz) to perlinsos_decider;

grant execute on function perlinsos.claim_work(text, text, text, text, int), perlinsos.assert_fence(bigint, bigint),
    perlinsos.renew_claim(bigint, bigint, int), perlinsos.end_claim(bigint, bigint, text, jsonb)
    to perlinsos_decider, perlinsos_publisher;

grant execute on function perlinsos.reserve_revision(text, text, text, bigint, bigint),
    perlinsos.record_published(text, text, int, text, text, text, jsonb, bigint, bigint, timestamptz),
    perlinsos.adopt_revision(text, text, int, text, text, text, timestamptz) to perlinsos_publisher;

-- Everybody in a role may read state and counts; objections and corrections hold numbers of persons.
grant select on all tables in schema perlinsos to perlinsos_registrar, perlinsos_loader, perlinsos_decider,
    perlinsos_publisher, perlinsos_approver_region, perlinsos_approver_centre, perlinsos_reader;
revoke select on perlinsos.objection, perlinsos.correction, perlinsos.family_claim from perlinsos_registrar,
    perlinsos_approver_region, perlinsos_approver_centre, perlinsos_reader;

reset role;
