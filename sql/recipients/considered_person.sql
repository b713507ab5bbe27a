-- Grain: one programme for persons and member considered for it: every member, or with `considered: candidates` each
-- candidate of a component. Members of one card who share a number that is not valid, or have none, are one row: what is
-- said of them is the same. Of the card's warnings the three that a member's own digits give belong to that member alone.
create temp table considered_person as
with
programme as (select * from rule_programme where is_for_persons),

counted as (
  select
    programme,
    member_row,
    count(*) filter (where reason is null) as counted,
    bool_or(coalesce(reason = 'NOMOR_KEHAMILAN_KOSONG'::reason_code, false)) as has_unnumbered_pregnancy,
    cast(coalesce(sum(amount_year_idr) filter (where reason is null), 0) as bigint) as amount_year_idr
  from component
  where programme in (select cast(programme as programme_name) from rule_programme where is_for_persons)
  group by programme, member_row
),

taken_apart as (
  select
    *,
    rowid as member_row,
    nik_birth(nik) // 10000 as nik_day,
    nik_birth(nik) // 100 % 100 as nik_month,
    nik_birth(nik) % 100 as nik_year
  from member
),

judged as (
  select
    *,
    differs_in_birth(nik_day - case when nik_day > 40 then 40 else 0 end, nik_month, nik_year, birth_date) as differs_in_birth,
    differs_in_sex(nik_day, sex = 'P'::sex_word) as differs_in_sex
  from taken_apart
),

warned as (
  select
    *,
    case
      when not is_valid then reason_bit('NIK_TIDAK_VALID')
      else
        case when differs_in_birth then reason_bit('NIK_TGL_LAHIR_BEDA') else 0 end
        | case when differs_in_sex then reason_bit('NIK_JENIS_KELAMIN_BEDA') else 0 end
    end as warnings
  from judged
),

considered as (
  select
    cast(p.programme as programme_name) as programme,
    m.no_kk,
    m.nik,
    m.member_row,
    m.is_valid,
    coalesce(c.counted, 0) as counted,
    coalesce(c.has_unnumbered_pregnancy, false) as has_unnumbered_pregnancy,
    case when p.has_components then coalesce(c.amount_year_idr, 0) else p.unit_amount_year_idr end as amount_year_idr,
    m.warnings
  from warned as m
  cross join programme as p
  left join counted as c on c.programme = cast(p.programme as programme_name) and c.member_row = m.member_row
  where not p.considers_candidates or c.member_row is not null
)

select * from considered where is_valid
union all
select *
from considered
where not is_valid
qualify row_number() over (partition by programme, no_kk, nik order by member_row) = 1;
