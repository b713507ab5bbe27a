-- Watching: the role of the pages and of the DAG `watch`, who may look at which region, and the alerts with their messages.
do $$
begin
    if not exists (select from pg_roles where rolname = 'perlinsos_watcher') then
        begin
            create role perlinsos_watcher nologin;
        exception when duplicate_object or unique_violation then
            null; -- another database of the same server migrates at the same moment
        end;
    end if;
    -- the login of Airflow's pages, where this machine has one: it may take on this role and no other
    if exists (select from pg_roles where rolname = 'perlinsos_pages')
        and not pg_has_role('perlinsos_pages', 'perlinsos_watcher', 'member') then
        grant perlinsos_watcher to perlinsos_pages;
    end if;
end
$$;

grant usage on schema perlinsos to perlinsos_watcher;

set local role perlinsos_owner;

-- grain: one user of Airflow and what the pages show them. Who is not here sees nothing.
create table perlinsos.page_user (
    user_name text primary key check (user_name = btrim(user_name) and user_name <> ''),
    page_role text not null check (page_role in ('operator', 'centre', 'region', 'auditor')),
    regions text[] not null,                -- empty: all
    granted_by text not null,
    granted_at timestamptz not null default clock_timestamp(),
    check (page_role <> 'region' or cardinality(regions) > 0)
);

create function perlinsos.grant_page_user(named text, wanted_role text, wanted_regions text[], granter text) returns void
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
begin
    insert into page_user (user_name, page_role, regions, granted_by) values (named, wanted_role, wanted_regions, granter)
    on conflict (user_name) do update set page_role = excluded.page_role, regions = excluded.regions,
        granted_by = excluded.granted_by, granted_at = excluded.granted_at;
    perform append_audit('grant_page_user', named, jsonb_build_object('role', wanted_role, 'regions', wanted_regions));
end
$$;

create function perlinsos.revoke_page_user(named text) returns boolean
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
begin
    delete from page_user where user_name = named;
    if found then
        perform append_audit('revoke_page_user', named, '{}');
    end if;
    return found;
end
$$;

-- grain: one trouble from its first sight to its end. `opening` and `ending` say what became of the two messages on it.
create table perlinsos.alert (
    alert_id bigint generated always as identity primary key,
    kind text not null,
    subject text not null,                  -- what it is about, the same as long as it lasts
    region_code text,                       -- null: the platform or a national source
    stage text,
    rule text,
    what text not null,
    owner text not null,
    command text not null,
    page text not null,                     -- the path of the page that shows it
    opened_at timestamptz not null,
    seen_at timestamptz not null,
    resolved_at timestamptz check (resolved_at >= opened_at),
    opening text not null default 'waiting' check (opening in ('waiting', 'taken', 'sent', 'left_out')),
    ending text not null default 'waiting' check (ending in ('waiting', 'taken', 'sent', 'left_out')),
    send_error text
);
create unique index one_open_alert on perlinsos.alert (kind, subject) where resolved_at is null;
create index alert_newest on perlinsos.alert (opened_at);

-- Brings the alerts of some kinds up to what is so at `moment`: opens, sees again, resolves. One caller at a time.
create function perlinsos.observe_alerts(troubles jsonb, kinds text[], moment timestamptz, out opened int, out resolved int)
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
begin
    perform pg_advisory_xact_lock(7001, 3);
    with ended as (
        update alert set resolved_at = greatest(moment, opened_at),
            ending = case when opening in ('taken', 'sent') then 'waiting' else 'left_out' end,
            opening = case when opening = 'waiting' then 'left_out' else opening end
        where resolved_at is null and kind = any (kinds) and seen_at <= moment and not exists (
            select from jsonb_array_elements(troubles) as f where f ->> 'kind' = kind and f ->> 'subject' = subject)
        returning 1
    )
    select count(*) into resolved from ended;
    with begun as (
        insert into alert (kind, subject, region_code, stage, rule, what, owner, command, page, opened_at, seen_at)
        select f ->> 'kind', f ->> 'subject', f ->> 'region_code', f ->> 'stage', f ->> 'rule', f ->> 'what', f ->> 'owner',
            f ->> 'command', f ->> 'page', moment, moment
        from jsonb_array_elements(troubles) as f
        on conflict (kind, subject) where resolved_at is null
        do update set seen_at = greatest(alert.seen_at, excluded.seen_at), what = excluded.what, rule = excluded.rule,
            command = excluded.command
        returning opened_at, seen_at, xmax = 0 as is_new
    )
    select count(*) into opened from begun where is_new;
end
$$;

-- Takes the messages that are to be sent: nobody else gets them. The opening ones first, then what is resolved.
create function perlinsos.take_alert_messages() returns table (alert_id bigint, phase text)
language sql security definer set search_path = perlinsos, pg_temp as $$
    with opening as (
        update alert set opening = 'taken' where opening = 'waiting' and resolved_at is null returning alert.alert_id
    ), ending as (
        update alert set ending = 'taken'
        where ending = 'waiting' and resolved_at is not null and opening in ('taken', 'sent') returning alert.alert_id
    )
    select alert_id, 'opening' from opening union all select alert_id, 'ending' from ending order by 2 desc, 1
$$;

-- What became of messages that were taken: sent, or to be tried again with the reason why.
create function perlinsos.settle_alert_messages(ids bigint[], phase text, reason text) returns void
language sql security definer set search_path = perlinsos, pg_temp as $$
    update alert set
        opening = case when phase <> 'opening' then opening when reason is null then 'sent' else 'waiting' end,
        ending = case when phase <> 'ending' then ending when reason is null then 'sent' else 'waiting' end,
        send_error = reason
    where alert_id = any (ids)
$$;

-- Until when the decrees are in force, without the names that stand in them.
create view perlinsos.decree_term as
select decree_id, kind::text as kind, regions, stages, in_force_from, in_force_until, revokes
from perlinsos.decree where registered_at is not null;

grant execute on function perlinsos.grant_page_user(text, text, text[], text), perlinsos.revoke_page_user(text)
    to perlinsos_registrar;
grant execute on function perlinsos.observe_alerts(jsonb, text[], timestamptz), perlinsos.take_alert_messages(),
    perlinsos.settle_alert_messages(bigint[], text, text),
    perlinsos.record_outcome(text, text, text, jsonb, jsonb, jsonb, bigint) to perlinsos_watcher;
-- Named one by one: a table that comes later is not seen here until somebody has thought about it.
grant select on perlinsos.region, perlinsos.cycle, perlinsos.list, perlinsos.list_step, perlinsos.objection_window,
    perlinsos.delivery, perlinsos.delivery_part, perlinsos.batch, perlinsos.quarantine_summary, perlinsos.outcome,
    perlinsos.source_fingerprint, perlinsos.input_set, perlinsos.cycle_input_set, perlinsos.work, perlinsos.list_revision,
    perlinsos.page_user, perlinsos.alert, perlinsos.decree_term to perlinsos_watcher;
grant select (record_digest, kind, recorded_at) on perlinsos.record to perlinsos_watcher;
grant select on perlinsos.page_user, perlinsos.alert, perlinsos.decree_term to perlinsos_registrar, perlinsos_loader,
    perlinsos_decider, perlinsos_publisher, perlinsos_approver_region, perlinsos_approver_centre, perlinsos_reader;

reset role;
