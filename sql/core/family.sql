-- Grain: one family seen: a No KK with a welfare row or with members. kind: why it is not decided here, else null.
-- Place: the register address of its head; without members, or where that has no region, the welfare row's.
create temp table judged_family as
with
joined as (
  select
    coalesce(c.no_kk, w.no_kk) as no_kk,
    c.no_kk is not null as has_members,
    w.no_kk is not null as has_welfare_row,
    coalesce(c.family_size, 0) as family_size,
    c.head_nik,
    case when c.region_code is null then w.region_code else c.region_code end as region_code,
    case when c.region_code is null then w.district_code else c.district_code end as district_code,
    case when c.region_code is null then w.village_code else c.village_code end as village_code,
    w.decile,
    w.national_rank,
    w.electricity_va,
    coalesce(c.has_valid_member, true) as has_valid_member,
    (
      case when c.has_invalid_member then reason_bit('NIK_TIDAK_VALID') else 0 end
      | case when c.differs_in_birth then reason_bit('NIK_TGL_LAHIR_BEDA') else 0 end
      | case when c.differs_in_sex then reason_bit('NIK_JENIS_KELAMIN_BEDA') else 0 end
      | case when c.lacks_head then reason_bit('GANTI_PENGURUS') else 0 end
    ) as warnings
  from card as c
  full join welfare_row as w on w.no_kk = c.no_kk
),

judged as (
  select
    j.*,
    coalesce(m.is_unmatched, false) as is_unmatched,
    coalesce(m.is_deceased, false) as is_deceased,
    case
      when j.region_code is distinct from cast(getvariable('region') as place_code) then 'ELSEWHERE'
      when m.no_kk is not null and not m.is_unmatched and not m.is_deceased then 'PINDAH'
      when getvariable('registrants_only') and j.no_kk not in (select no_kk from registered where no_kk is not null)
        then 'TIDAK_MENDAFTAR'
    end as kind
  from joined as j
  left join memberless as m on m.no_kk = j.no_kk
)

select * from judged;

-- Grain: one family that is not decided here.
create temp table family_not_decided as select no_kk, kind, region_code from judged_family where kind is not null;

-- Grain: one family that is decided here.
create temp table family as
select
  f.* exclude (kind, warnings),
  f.warnings | coalesce(w.warnings, 0) as warnings
from judged_family as f
left join card_warning as w on w.no_kk = f.no_kk
where f.kind is null;

-- No later step reads these.
drop table judged_family;
drop table card;
drop table welfare_row;
drop table repeated_welfare_row;
drop table repeated_choice;
drop table card_warning;
drop table memberless;
drop table registered;
