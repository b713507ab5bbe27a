-- Roles, the schema and the audit chain. Runs as a login that may create roles; where the platform forbids that, an
-- administrator creates the same roles beforehand and this file finds them.
do $$
declare
    role_name text;
begin
    foreach role_name in array array[
        'perlinsos_owner', 'perlinsos_migrator', 'perlinsos_registrar', 'perlinsos_loader', 'perlinsos_decider',
        'perlinsos_publisher', 'perlinsos_approver_region', 'perlinsos_approver_centre', 'perlinsos_reader'
    ] loop
        if not exists (select from pg_roles where rolname = role_name) then
            begin
                execute format('create role %I nologin', role_name);
            exception when duplicate_object or unique_violation then
                null; -- another database of the same server migrates at the same moment
            end;
        end if;
    end loop;
    if not pg_has_role('perlinsos_migrator', 'perlinsos_owner', 'member') then
        grant perlinsos_owner to perlinsos_migrator;
    end if;
end
$$;

create schema if not exists perlinsos authorization perlinsos_owner;
alter schema perlinsos owner to perlinsos_owner;
grant usage on schema perlinsos to perlinsos_migrator, perlinsos_registrar, perlinsos_loader, perlinsos_decider,
    perlinsos_publisher, perlinsos_approver_region, perlinsos_approver_centre, perlinsos_reader;

set local role perlinsos_owner;
-- A function belongs to nobody but the roles that 0009 names.
alter default privileges for role perlinsos_owner revoke execute on functions from public;

-- grain: one act on the ledger. Append-only; each row's hash covers the row before it.
create table perlinsos.audit (
    audit_id bigint primary key,
    recorded_at timestamptz not null,
    actor text not null,
    role_name text not null,
    action text not null,
    subject text not null,
    detail jsonb not null,
    previous_hash bytea not null,
    row_hash bytea not null unique
);

create function perlinsos.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'PL001';
end
$$;

create trigger audit_is_append_only before update or delete on perlinsos.audit
for each row execute function perlinsos.refuse_change();
create trigger audit_is_never_emptied before truncate on perlinsos.audit
for each statement execute function perlinsos.refuse_change();

create function perlinsos.hash_audit(
    previous bytea, id bigint, moment timestamptz, actor text, role_name text, action text, subject text, detail jsonb
) returns bytea language sql immutable as $$
    select sha256(previous || convert_to(jsonb_build_array(
        id, to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), actor, role_name, action, subject,
        detail)::text, 'UTF8'))
$$;

-- Appends one row to the chain. Writers queue here until the one before them commits.
create function perlinsos.append_audit(action text, subject text, detail jsonb) returns void
language plpgsql set search_path = perlinsos, pg_temp as $$
declare
    newest perlinsos.audit;
    moment timestamptz := clock_timestamp();
    who text := coalesce(nullif(current_setting('perlinsos.actor', true), ''), session_user);
    as_role text := coalesce(nullif(current_setting('role', true), 'none'), session_user);
    id bigint;
    before bytea;
begin
    perform pg_advisory_xact_lock(7001, 1);
    select * into newest from audit order by audit_id desc limit 1;
    id := coalesce(newest.audit_id, 0) + 1;
    before := coalesce(newest.row_hash, sha256('perlinsos'));
    insert into audit values (id, moment, who, as_role, action, subject, detail, before,
        hash_audit(before, id, moment, who, as_role, action, subject, detail));
end
$$;

-- The first row whose hash does not follow from its content and the row before it; null where the chain holds.
create function perlinsos.find_audit_break() returns bigint
language sql stable security definer set search_path = perlinsos, pg_temp as $$
    select min(audit_id) from (
        select audit_id, row_hash,
            coalesce(lag(row_hash) over (order by audit_id), sha256('perlinsos')) as expected_previous,
            coalesce(lag(audit_id) over (order by audit_id), 0) as previous_id,
            previous_hash,
            hash_audit(previous_hash, audit_id, recorded_at, actor, role_name, action, subject, detail) as expected
        from audit
    ) as rows
    where row_hash is distinct from expected or previous_hash is distinct from expected_previous
        or audit_id <> previous_id + 1
$$;

reset role;
