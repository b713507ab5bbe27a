-- Quarantined rows that a person corrected. The cells lie in the raw bucket, under the sha256 of the file; none is here.
set local role perlinsos_owner;

-- grain: one file of corrected rows of a delivery. Every later judgement of that delivery takes it into account.
create table perlinsos.row_correction (
    delivery_id bigint not null references perlinsos.delivery,
    number int not null check (number > 0),
    base perlinsos.digest not null references perlinsos.batch,  -- whose quarantined rows were corrected
    sha256 perlinsos.digest not null,
    raw_key text not null,
    rows bigint not null check (rows > 0),
    reason text not null check (reason <> ''),
    corrected_by text not null check (corrected_by <> ''),
    corrected_at timestamptz not null,
    primary key (delivery_id, number)
);
create trigger row_correction_is_append_only before update or delete on perlinsos.row_correction
for each row execute function perlinsos.refuse_change();

-- Records corrected rows of the batch that is in force for a delivery, and gives their number. The batch that they make
-- is accepted in the same transaction.
create function perlinsos.record_row_correction(id bigint, base_digest text, entry jsonb, moment timestamptz) returns int
language plpgsql security definer set search_path = perlinsos, pg_temp as $$
declare
    next_number int;
begin
    perform from delivery where delivery_id = id for update;
    perform from batch where batch_digest = base_digest and delivery_id = id and replaced_by is null;
    if not found then
        raise exception 'the delivery % was judged anew meanwhile', id
            using errcode = 'PL002', hint = 'write its rows anew with `perlinsos quarantine show` and correct those';
    end if;
    select coalesce(max(c.number), 0) + 1 into next_number from row_correction as c where c.delivery_id = id;
    insert into row_correction values (id, next_number, base_digest, entry ->> 'sha256', entry ->> 'raw_key',
        (entry ->> 'rows')::bigint, entry ->> 'reason', entry ->> 'corrected_by', moment);
    perform append_audit('record_row_correction', id::text, entry || jsonb_build_object('base', base_digest));
    return next_number;
end
$$;

grant execute on function perlinsos.record_row_correction(bigint, text, jsonb, timestamptz) to perlinsos_loader;
grant select on perlinsos.row_correction to perlinsos_registrar, perlinsos_loader, perlinsos_decider, perlinsos_publisher,
    perlinsos_approver_region, perlinsos_approver_centre, perlinsos_reader;

reset role;
