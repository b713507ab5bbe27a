"""Steps 5 to 7 and 9 of the procedure for one family and one programme: missing data, refusals, components, findings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from oracle import parameters
from oracle.inputs import Row
from oracle.parameters import CHILDREN, PRIORITY
from oracle.persons import Register, Signals, age, is_valid
from oracle.programmes import Rules, value_on
from oracle.welfare import Family, Said, Welfare, is_unknown, oldest_first, said_of

HIDES_NO_COMPONENT = {
    "NIK_TIDAK_PADAN",
    "TIDAK_ADA_DATA_KELUARGA",
    "DATA_DIKARANTINA",
    "NIK_TIDAK_VALID",
    "NOMOR_KEHAMILAN_KOSONG",
}


@dataclass
class Candidate:
    """One component one member may have (step 7); `amount` = rupiah a year, counted or not."""

    member: Row
    component: str
    amount: int
    reason: str | None = None


@dataclass(frozen=True)
class Finding:
    """One row of the findings, without programme and card."""

    code: str
    nik: str | None = None
    source: str | None = None
    observed: str | None = None
    limit: str | None = None


@dataclass(frozen=True)
class Case:
    """Everything a family is judged with."""

    rules: Rules
    as_of: date
    values: dict[str, Any]
    register: Register
    welfare: Welfare
    signals: Signals
    quarantined: list[Row]
    wage_limits: dict[str, int | None]

    def value(self, name: str) -> Any:
        """The value of a parameter of this programme."""
        return self.values[f"{self.rules.code}.{name}"]

    def limit(self, refusal: str, name: str) -> Any:
        """The limit of an exclusion; None where it is off or the programme does not have it."""
        return self.value(name) if refusal in self.rules.refusals else None

    @property
    def gate_is_decile(self) -> bool:
        """The gate is a decile from its first day on and while a limit is set; else a welfare row."""
        return self.as_of >= self.rules.decile_gate_from and self.value("max_decile") is not None


# ---------------------------------------------------------------- step 5


def missing(family: Family, case: Case) -> list[Finding]:
    """Step 5, without the two codes that come from components."""
    found = []
    if case.values["quarantine.holds"] == "yes":
        found += _quarantined(family, case)
    found += _unmatched(family, case)
    if family.welfare is None:
        found.append(Finding("TIDAK_ADA_DATA_KELUARGA", source="DTSEN"))
    elif family.welfare["decile"] is None and case.gate_is_decile:
        found.append(Finding("BELUM_ADA_DESIL", source="DTSEN"))
    return found


def _quarantined(family: Family, case: Case) -> list[Finding]:
    rows = set()
    for row in case.quarantined:
        dataset = row["dataset"].lower()
        if row["nik"] is not None and row["nik"] in family.niks:
            rows.add(Finding("DATA_DIKARANTINA", row["nik"], row["source"], dataset))
        elif row["no_kk"] == family.no_kk:
            rows.add(Finding("DATA_DIKARANTINA", None, row["source"], dataset))
    return list(rows)


def _unmatched(family: Family, case: Case) -> list[Finding]:
    named = {row["nik"] for row in case.welfare.persons.get(family.no_kk, []) if row["family_relation"] == 1}
    unknown = {nik for nik in named if is_unknown(nik, case.register)}
    if unknown:
        return [Finding("NIK_TIDAK_PADAN", nik, "DUKCAPIL") for nik in unknown]
    has_members_none_valid = bool(family.members) and not any(is_valid(member["nik"]) for member in family.members)
    if has_members_none_valid or family.is_unmatched:
        return [Finding("NIK_TIDAK_PADAN", None, "DUKCAPIL")]
    return []


def missing_by_component(candidates: list[Candidate]) -> list[Finding]:
    """No component is counted and a candidate was not counted for one of these two reasons."""
    if any(candidate.reason is None for candidate in candidates):
        return []
    found = []
    for code in ("NIK_TIDAK_VALID", "NOMOR_KEHAMILAN_KOSONG"):
        members = {id(c.member): c.member for c in candidates if c.reason == code}
        found += [Finding(code, member["nik"]) for member in members.values()]
    return found


# ---------------------------------------------------------------- step 6


def refusals(family: Family, case: Case) -> list[Finding]:
    """Step 6 with the exclusions that the programme has, without `TIDAK_ADA_KOMPONEN` and `PENERIMA_PROGRAM_LAIN`."""
    return [finding for finding in _refusals(family, case) if finding.code in case.rules.refusals]


def _refusals(family: Family, case: Case) -> list[Finding]:
    found = []
    for member in family.members:
        found += _of_member(member["nik"], case)
    if "DAYA_LISTRIK" in case.rules.refusals:
        found += _electricity(family, case)
    if family.is_extinct:
        found.append(Finding("MENINGGAL", source="DUKCAPIL"))
    decile = family.welfare["decile"] if family.welfare else None
    if case.gate_is_decile and decile is not None and decile > (limit := case.value("max_decile")):
        found.append(Finding("DESIL_DI_ATAS_BATAS", None, "DTSEN", str(decile), str(limit)))
    return found


def _of_member(nik: str | None, case: Case) -> list[Finding]:
    found = []
    for code, refusal in parameters.EMPLOYMENT.items():
        said = case.signals.greatest(nik, code)
        if said:
            found.append(Finding(refusal, nik, said.source, said.value))
    gambling = case.signals.greatest(nik, "GAMBLING")
    if gambling and case.limit("TERINDIKASI_JUDI_ONLINE", "gambling") is not None:
        found.append(Finding("TERINDIKASI_JUDI_ONLINE", nik, gambling.source, gambling.value))
    wage = case.signals.greatest(nik, "WAGE")
    if wage and "UPAH_DI_ATAS_UMK" in case.rules.refusals:
        limit = _wage_limit(case)
        if wage.number > limit:
            found.append(Finding("UPAH_DI_ATAS_UMK", nik, wage.source, str(wage.number), str(limit)))
    car, limit = case.signals.greatest(nik, "CAR"), case.limit("KENDARAAN_RODA_4", "car_min_count")
    if car and limit is not None and car.number >= limit:
        found.append(Finding("KENDARAAN_RODA_4", nik, car.source, str(car.number), str(limit)))
    for code, name, refusal in (
        ("LAND", "land_max_m2", "ASET_TANAH_RUMAH"),
        ("BALANCE", "balance_max_idr", "SALDO_REKENING"),
    ):
        said, limit = case.signals.greatest(nik, code), case.limit(refusal, name)
        if said and limit is not None and said.number > limit:
            found.append(Finding(refusal, nik, said.source, str(said.number), str(limit)))
    return found


def _wage_limit(case: Case) -> int:
    """The UMK, where null the UMP of the same row; with `wage_reference` ump the other way round."""
    order = ("umk_idr", "ump_idr") if case.value("wage_reference") == "umk" else ("ump_idr", "umk_idr")
    return next(case.wage_limits[name] for name in order if case.wage_limits.get(name) is not None)


def _electricity(family: Family, case: Case) -> list[Finding]:
    """The greatest ELECTRICITY of the members (0 is an answer), without any the welfare row's."""
    limit = case.value("electricity_min_va")
    said = [(case.signals.greatest(m["nik"], "ELECTRICITY", holding=False), m["nik"]) for m in family.members]
    said = [(one, nik) for one, nik in said if one is not None]
    if said:
        greatest = max(one.number for one, _ in said)
        one, nik = min(((one, nik) for one, nik in said if one.number == greatest), key=lambda pair: pair[1])
        answer = Finding("DAYA_LISTRIK", nik, one.source, str(greatest), str(limit))
    elif family.welfare is not None and family.welfare["electricity_va"] is not None:
        greatest = family.welfare["electricity_va"]
        answer = Finding("DAYA_LISTRIK", None, "DTSEN", str(greatest), str(limit))
    else:
        return []
    return [answer] if limit is not None and greatest >= limit else []


# ---------------------------------------------------------------- step 7


def _candidates_of(member: Row, family: Family, case: Case) -> list[Candidate]:
    """The candidates of one member among the components that the programme has on this day."""
    said = said_of(case.welfare, family.no_kk, member["nik"])
    reasons = _signs(member, said, case)
    if case.rules.code == "rantang-kasih" and len(family.members) > 1:
        reasons = dict.fromkeys(reasons, "TIDAK_SENDIRI")
    found = []
    for component, reason in reasons.items():
        amount = value_on(case.rules.components.get(component, ()), case.as_of)
        if amount is not None:
            found.append(Candidate(member, component, amount, reason if is_valid(member["nik"]) else "NIK_TIDAK_VALID"))
    return found


def _signs(member: Row, said: Said, case: Case) -> dict[str, str | None]:
    """Which components one could say of a member, and why one of them is not counted."""
    nik, years = member["nik"], age(member["birth_date"], case.as_of)
    found: dict[str, str | None] = {}
    if case.signals.greatest(nik, "RIGHTS_VICTIM"):
        found["HAM"] = None
    if member["sex"] == "P" and "HAMIL" in case.rules.components:
        found |= _pregnancy(nik, said, case)
    if years is not None and years <= parameters.AUD_MAX_AGE:
        found["AUD"] = None
    if years is not None and years in parameters.SCHOOL_AGE:
        enrolled = case.signals.greatest(nik, "ENROLLED")
        if enrolled and enrolled.rank > 0:
            found[parameters.LEVELS[enrolled.rank - 1]] = None
        elif said.level:
            found[said.level] = "TIDAK_TERDAFTAR_DAPODIK"
    if said.is_severe:
        found["DISABILITAS"] = None
    if "LANSIA" in case.rules.components and years is not None and years >= case.value("elderly_min_age"):
        found["LANSIA"] = None
    return found


def _pregnancy(nik: str | None, said: Said, case: Case) -> dict[str, str | None]:
    if case.signals.has_any(nik, "PREGNANT"):
        signal = case.signals.greatest(nik, "PREGNANT")
        if signal is None:
            return {}
        number = signal.number
    elif said.is_pregnant:
        number = said.pregnancy_number
    else:
        return {}
    if number is None or number <= 0:
        return {"HAMIL": "NOMOR_KEHAMILAN_KOSONG"}
    return {"HAMIL": "KEHAMILAN_KE_3" if number > case.value("pregnancy_max_number") else None}


def _cut(left: list[Candidate], limit: int | None, reason: str) -> None:
    """Refuse every candidate after the first `limit` of the given order."""
    if limit is not None:
        for candidate in left[limit:]:
            candidate.reason = reason


def components(family: Family, case: Case) -> list[Candidate]:
    """Step 7: every candidate of the family, those counted with reason None."""
    found: list[Candidate] = []
    for member in family.members:
        own = _candidates_of(member, family, case)
        # (1) the candidate of the highest amount among those not refused so far
        possible = [candidate for candidate in own if candidate.reason is None]
        possible.sort(key=lambda c: (-c.amount, PRIORITY.index(c.component)))
        _cut(possible, 1, "SATU_ORANG_SATU_KOMPONEN")
        found += own
    if case.rules.code == "pkh":
        _apply_caps(found, case)
    return found


def _apply_caps(found: list[Candidate], case: Case) -> None:
    """(2) to (4) of step 7, which only PKH has."""

    def left(*kinds: str) -> list[Candidate]:
        return [c for c in found if c.reason is None and c.component in kinds]

    # (2) category caps, oldest person first
    for kind, name, reason in (
        ("AUD", "max_early_childhood", "BATAS_ANAK_USIA_DINI"),
        ("LANSIA", "max_elderly", "BATAS_LANSIA"),
        ("DISABILITAS", "max_disability", "BATAS_DISABILITAS"),
    ):
        _cut(sorted(left(kind), key=lambda c: oldest_first(c.member)), case.value(name), reason)

    # (3) the child cap and (4) the cap of members, in the order of `selection`; HAM is outside both
    def selection(c: Candidate) -> tuple[Any, ...]:
        amount = -c.amount if case.value("selection") == "highest_amount" else 0
        return (amount, PRIORITY.index(c.component), oldest_first(c.member))

    _cut(sorted(left(*CHILDREN), key=selection), case.value("max_children"), "BATAS_ANAK")
    without_ham = [component for component in PRIORITY if component != "HAM"]
    _cut(sorted(left(*without_ham), key=selection), case.value("max_members"), "BATAS_KOMPONEN")
