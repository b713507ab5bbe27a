-- Consumers of published lists, the ids of their keys, and the status feeds. No secret is in the ledger.
set local role perlinsos_owner;

alter table perlinsos.record drop constraint record_kind_check;
alter table perlinsos.record add constraint record_kind_check check (kind in ('region', 'cycle', 'decree', 'consumer'));

drop table perlinsos.consumer;            -- it stood since 0005 and nothing wrote to it

-- grain: one consumer: who gets a folder of its own, which rows and columns, of which programmes and regions.
create table perlinsos.consumer (
    consumer_id text primary key check (consumer_id ~ '^[a-z][a-z0-9-]{1,39}$'),
    name text not null check (name <> ''),
    profile text not null check (profile in ('payer', 'programme_owner', 'auditor', 'statistics')),
    programmes text[] not null,             -- empty: all
    regions text[] not null,                -- empty: all
    legal_basis text not null check (legal_basis <> ''),
    record_digest perlinsos.digest not null references perlinsos.record,
    added_at timestamptz not null,
    revoked_at timestamptz,
    revoked_reason text,
    check ((revoked_at is null) = (revoked_reason is null))
);

-- grain: one key of a consumer by its id: of its tokens, or of its identity at the object store.
create table perlinsos.consumer_key (
    consumer_id text not null references perlinsos.consumer,
    kind text not null check (kind in ('token', 's3')),
    key_id text not null,
    used_from timestamptz not null,
    used_until timestamptz,
    primary key (consumer_id, kind, key_id)
);
create unique index one_key_in_use on perlinsos.consumer_key (consumer_id, kind) where used_until is null;

-- grain: one record of a status feed. `feed` is a consumer, or `lists` for the authoritative ones. Append-only.
create table perlinsos.status_record (
    feed text not null,
    number int not null check (number > 0),
    event text not null check (event in ('published', 'superseded', 'suspended', 'resumed', 'withdrawn')),
    list_id text not null references perlinsos.list,
    revision int not null check (revision > 0),
    document text not null,                 -- the bytes of status/000001.json
    sha256 perlinsos.digest not null,
    at timestamptz not null,
    is_written boolean not null default false,  -- whether record and signature lie in the bucket
    primary key (feed, number)
);
create unique index one_publication on perlinsos.status_record (feed, list_id, revision, event)
where event in ('published', 'superseded', 'withdrawn');

alter table perlinsos.list_revision add column changes jsonb;   -- {revision | stage: {compared_with, causes: [...]}}

create function perlinsos.add_consumer(entry jsonb, digest text, document text, moment timestamptz) returns boolean
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
declare
    id text := entry ->> 'consumer';
    known perlinsos.consumer;
begin
    if id = 'lists' then
        raise exception 'lists is not a name for a consumer' using errcode = 'PL001';
    end if;
    perform keep_record(digest, 'consumer', document);
    select c.* into known from consumer as c where c.consumer_id = id for update;
    if known.consumer_id is null then
        insert into consumer values (id, entry ->> 'name', entry ->> 'profile',
            array(select jsonb_array_elements_text(entry -> 'programmes')),
            array(select jsonb_array_elements_text(entry -> 'regions')), entry ->> 'legal_basis', digest, moment, null, null);
    elsif known.revoked_at is not null then
        raise exception 'consumer % was revoked', id using errcode = 'PL001', hint = 'add it under another id';
    elsif known.profile <> entry ->> 'profile' then
        raise exception 'consumer % has the profile %', id, known.profile
            using errcode = 'PL001', hint = 'one folder has one profile: add another consumer';
    elsif known.record_digest = digest then
        return false;
    else
        update consumer as c set name = entry ->> 'name', legal_basis = entry ->> 'legal_basis', record_digest = digest,
            programmes = array(select jsonb_array_elements_text(entry -> 'programmes')),
            regions = array(select jsonb_array_elements_text(entry -> 'regions'))
        where c.consumer_id = id;
    end if;
    perform append_audit('add_consumer', id, jsonb_build_object('record', digest));
    return true;
end
$$;

create function perlinsos.use_consumer_key(id text, of_kind text, new_key text, moment timestamptz) returns boolean
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
begin
    perform 1 from consumer where consumer_id = id and revoked_at is null for update;
    if not found then
        raise exception 'there is no consumer % to whom a key could belong', id using errcode = 'PL001';
    end if;
    if exists (select from consumer_key where consumer_id = id and kind = of_kind and key_id = new_key
        and used_until is null) then
        return false;
    end if;
    update consumer_key set used_until = moment where consumer_id = id and kind = of_kind and used_until is null;
    insert into consumer_key values (id, of_kind, new_key, moment, null);
    perform append_audit('use_consumer_key', id, jsonb_build_object('kind', of_kind, 'key_id', new_key));
    return true;
end
$$;

create function perlinsos.revoke_consumer(id text, reason text, moment timestamptz) returns boolean
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
begin
    update consumer set revoked_at = moment, revoked_reason = reason where consumer_id = id and revoked_at is null;
    if not found then
        if not exists (select from consumer where consumer_id = id) then
            raise exception 'there is no consumer %', id using errcode = 'PL001', hint = 'perlinsos consumer list';
        end if;
        return false;
    end if;
    update consumer_key set used_until = moment where consumer_id = id and used_until is null;
    perform append_audit('revoke_consumer', id, jsonb_build_object('reason', reason));
    return true;
end
$$;

-- Appends one record to a feed: its number follows the last one's, its text names that one's digest. A publication, a
-- supersession and a withdrawal are told once; repeating gives the record that is there.
create function perlinsos.append_status(
    told_feed text, told_event text, told_list text, told_revision int, detail json, moment timestamptz
) returns int language plpgsql security definer set search_path = perlinsos, pg_temp as $$
declare
    newest perlinsos.status_record;
    known int;
    next_number int;
    text_of_record text;
begin
    perform pg_advisory_xact_lock(7013, hashtext(told_feed));
    if told_event in ('published', 'superseded', 'withdrawn') then
        select number into known from status_record
        where feed = told_feed and list_id = told_list and revision = told_revision and event = told_event;
        if known is not null then
            return known;
        end if;
    end if;
    select * into newest from status_record where feed = told_feed order by number desc limit 1;
    next_number := coalesce(newest.number, 0) + 1;
    text_of_record := json_build_object('record_version', '1', 'feed', told_feed, 'number', next_number,
        'event', told_event, 'list_id', told_list, 'revision', told_revision, 'detail', detail,
        'at', to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'previous_sha256', newest.sha256)::text || E'\n';
    insert into status_record values (told_feed, next_number, told_event, told_list, told_revision, text_of_record,
        encode(sha256(convert_to(text_of_record, 'UTF8')), 'hex'), moment);
    return next_number;
end
$$;

create function perlinsos.note_status_written(told_feed text, up_to int) returns void
language sql security definer set search_path = perlinsos, pg_temp as $$
    update status_record set is_written = true where feed = told_feed and number <= up_to and not is_written
$$;

create function perlinsos.record_changes(
    changed text, wanted_track text, of_revision int, digest text, sums jsonb, id bigint, shown bigint
) returns void language plpgsql security definer set search_path = perlinsos, pg_temp as $$
begin
    perform assert_fence(id, shown);
    update list_revision set changes = sums
    where list_id = changed and track = wanted_track and revision = of_revision and list_digest = digest
        and (changes is null or changes = sums);
    if not found then
        raise exception 'the changes of revision % of % were recorded otherwise', of_revision, changed using errcode = 'PL002';
    end if;
end
$$;

grant execute on function perlinsos.add_consumer(jsonb, text, text, timestamptz),
    perlinsos.use_consumer_key(text, text, text, timestamptz),
    perlinsos.revoke_consumer(text, text, timestamptz) to perlinsos_registrar;
grant execute on function perlinsos.append_status(text, text, text, int, json, timestamptz),
    perlinsos.note_status_written(text, int),
    perlinsos.record_changes(text, text, int, text, jsonb, bigint, bigint) to perlinsos_publisher;
grant select on perlinsos.consumer, perlinsos.consumer_key, perlinsos.status_record to perlinsos_registrar,
    perlinsos_loader, perlinsos_decider, perlinsos_publisher, perlinsos_approver_region, perlinsos_approver_centre,
    perlinsos_reader;

reset role;
