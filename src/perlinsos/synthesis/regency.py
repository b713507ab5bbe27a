"""One invented regency: who lives there, on which cards, how; and what its register and its welfare data say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import TypeVar

import numpy as np

from perlinsos.synthesis import moves, numbers, welfare
from perlinsos.synthesis.draws import Array, Ints, apportion, choose, generator, pick
from perlinsos.synthesis.families import CHILD, HEAD, OTHER, PARENT, form_families
from perlinsos.synthesis.moves import SharedFamilies
from perlinsos.synthesis.names import draw_words
from perlinsos.synthesis.parameters import Place, Tables, Targets
from perlinsos.synthesis.persons import days, draw_persons

ROGOJAMPI_FROM, BLIMBINGSARI, SPLIT = "35.10.13", "35.10.25", date(2017, 1, 1)
"""Who was registered in today's Blimbingsari before 2017 has Rogojampi's prefix."""
OLDEST_CARD = 6200
"""Days since the oldest card was issued."""


@dataclass(frozen=True)
class Persons:
    """One entry a row of the register. Days since 1970 (0: none). `family` counts into Families."""

    nik: Ints
    birth: Ints
    sex: Ints
    words: Array
    family: Ints
    relation: Ints
    status: Ints
    status_day: Ints


@dataclass(frozen=True)
class Families:
    """One entry a card. `village` and `welfare_village` count into the regency's villages; `period`: 0 newest, 1 before."""

    card: Ints
    village: Ints
    welfare_village: Ints
    true_decile: Ints
    decile: Ints
    rank: Ints
    is_poor: Array
    power_va: Ints
    housing: Array
    assets: Array
    period: Ints
    is_listed: Array
    """Whether the welfare data has a row of this card."""


@dataclass(frozen=True)
class WelfarePersons:
    """One entry a row of the welfare data's persons: positions in Persons and Families, and the relation it names."""

    person: Ints
    family: Ints
    relation: Ints


@dataclass(frozen=True)
class Regency:
    """Everything of one regency. `facts`, `employment`, `wages` are by entry of Persons."""

    seed: int
    targets: Targets
    snapshot: date
    villages: tuple[Place, ...]
    persons: Persons
    families: Families
    welfare_persons: WelfarePersons
    facts: welfare.Facts
    employment: Array
    wages: Ints
    base_families: int
    base_persons: int
    """Families and persons that live there; what follows them are the dead, the moved and the shared."""


Record = TypeVar("Record", Persons, Families, WelfarePersons)


def stack(records: Sequence[Record]) -> Record:
    """Several records of one kind as one."""
    first = records[0]
    return replace(first, **{f.name: np.concatenate([getattr(r, f.name) for r in records]) for f in fields(first)})


@dataclass(frozen=True)
class _People:
    """Persons before they have numbers: register rows with the prefix and the first serial of their NIK."""

    birth: Ints
    sex: Ints
    family: Ints
    relation: Ints
    prefix: Ints
    serial: Ints
    status: Ints
    status_day: Ints


def build_regency(
    seed: int, tables: Tables, targets: Targets, snapshot: date, shared: Sequence[tuple[bool, SharedFamilies]] = ()
) -> Regency:
    """Make one regency on the day `snapshot`. `shared`: families in common with others, each with "is this the origin?".

    On another day they are the same people with the same numbers, deciles and facts as on `moves.ANCHOR`; but for some of a
    recent card an older one, and deaths and moves as far back from the day.
    """
    code, today = targets.code, days(snapshot)
    villages = tuple(place for places in targets.villages for place in places)
    base, district = _base_people(seed, tables, targets)
    village = _house(generator(seed, code, "cards"), targets, district[base.relation == HEAD])
    base_families = len(village)
    others, moved_village = _other_people(seed, targets, base, village, villages, today)
    persons = _give_numbers_and_names(seed, tables, code, [base, *others])
    families = _families(seed, tables, targets, villages, np.r_[village, moved_village], base, today)
    welfare_persons, families = _welfare_persons(generator(seed, code, "stale"), persons, families, base_families)
    for is_origin, both in shared:
        persons, families, welfare_persons = _add_shared(
            seed, tables, targets, is_origin, both, today, persons, families, welfare_persons
        )
    age = (moves.ANCHOR_DAY - persons.birth) / 365.25
    decile = families.true_decile[persons.family]
    living = np.where(persons.status == moves.DECEASED, -1.0, age)
    facts = welfare.draw_facts(generator(seed, code, "facts"), tables, living, persons.sex, decile)
    work = generator(seed, code, "work")
    alive = np.where(persons.status == moves.ACTIVE, age, -1.0)
    employment = welfare.draw_employment(work, alive, decile)
    wages = welfare.draw_wages(work, alive, decile, employment, targets.minimum_wage_idr)
    made = Regency(
        seed, targets, snapshot, villages, persons, families, welfare_persons, facts, employment, wages,
        base_families, len(base.birth),
    )  # fmt: skip
    return _leave_out_unborn(made, today)


def _leave_out_unborn(made: Regency, today: int) -> Regency:
    """The same without those who are born after the day of the deliveries."""
    is_born = made.persons.birth <= today
    if is_born.all():
        return made
    place = np.cumsum(is_born) - 1
    rows = is_born[made.welfare_persons.person]
    known = _chosen(made.welfare_persons, rows)
    return replace(
        made,
        persons=_chosen(made.persons, is_born),
        facts=_chosen(made.facts, is_born),
        employment=made.employment[is_born],
        wages=made.wages[is_born],
        welfare_persons=replace(known, person=place[known.person]),
        base_persons=int(is_born[: made.base_persons].sum()),
    )


Chosen = TypeVar("Chosen", Persons, WelfarePersons, welfare.Facts)


def _chosen(record: Chosen, rows: Array) -> Chosen:
    """Some entries of a record of arrays."""
    return replace(record, **{field.name: getattr(record, field.name)[rows] for field in fields(record)})


def _other_people(
    seed: int, targets: Targets, base: _People, village: Ints, villages: tuple[Place, ...], today: int
) -> tuple[list[_People], Ints]:
    """The dead and those who moved away, and the villages of the cards of the latter."""
    dead = _dead(generator(seed, targets.code, "deaths"), base, village, villages, today)
    rng = generator(seed, targets.code, "moved")
    families = round(0.004 * len(village))
    sizes = 1 + choose(rng, np.array([[0.2, 0.2, 0.3, 0.3]]), np.zeros(families, dtype=np.int64))
    moved_village = rng.integers(0, len(villages), families)
    return [dead, _moved(rng, sizes, len(village), moved_village, villages, today)], moved_village


def _give_numbers_and_names(seed: int, tables: Tables, code: str, people: Sequence[_People]) -> Persons:
    """One record of all, with NIK and names; who comes first gets the lower serials."""
    joined = {f.name: np.concatenate([getattr(part, f.name) for part in people]) for f in fields(_People)}
    prefix, serial = joined.pop("prefix"), joined.pop("serial")
    birth, sex = joined["birth"], joined["sex"]
    words = draw_words(generator(seed, code, "names"), tables, _year(birth), sex)
    return Persons(nik=numbers.number_persons(prefix, birth, sex, serial), words=words, **joined)


def _year(day: Ints) -> Ints:
    """Calendar year of days since 1970."""
    return np.asarray(day.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970)


def _base_people(seed: int, tables: Tables, targets: Targets) -> tuple[_People, Ints]:
    """Those who live there, card by card, and the district number of each."""
    code = targets.code
    heaping = tables.values["year_of_birth_heaping"]
    district, sex, birth = draw_persons(generator(seed, code, "persons"), targets, tables.reference_date, heaping)
    family, relation = np.empty_like(birth), np.empty_like(birth)
    rng = generator(seed, code, "families")
    shape = tables.values["kk_size_distribution"]
    shares = np.array(shape["banyuwangi" if code[:2] == "35" else "national"])
    age = (days(tables.reference_date) - birth) / 365.25
    offset = 0
    for number, count in enumerate(targets.families):
        members = np.flatnonzero(district == number)
        cards = form_families(rng, age[members], sex[members], int(count), shares)
        family[members], relation[members] = cards.family + offset, cards.relation
        offset += int(count)
    order = np.lexsort((birth, relation, family))
    district, sex, birth, family, relation = (a[order] for a in (district, sex, birth, family, relation))
    prefix, serial = _prefixes(generator(seed, code, "prefixes"), targets, district, birth)
    none = np.zeros(len(birth), dtype=np.int64)
    return _People(birth, sex, family, relation, prefix, serial, none, none), district


def _prefixes(rng: np.random.Generator, targets: Targets, district: Ints, birth: Ints) -> tuple[Ints, Ints]:
    """First six digits and first serial of each NIK: 10 % of the adults come from another district, 3 % from elsewhere."""
    own = np.array([numbers.digits(code) for code in targets.districts])
    foreign = np.array([numbers.digits(code) for code in targets.neighbour_districts])
    prefix = own[district]
    if BLIMBINGSARI in targets.districts:
        before = (prefix == numbers.digits(BLIMBINGSARI)) & (birth < days(SPLIT))
        prefix = np.where(before, numbers.digits(ROGOJAMPI_FROM), prefix)
    drawn = np.where(birth < days(date(2008, 1, 1)), rng.random(len(birth)), 1.0)
    prefix = np.where(drawn < 0.1, own[rng.integers(0, len(own), len(birth))], prefix)
    came = (drawn >= 0.1) & (drawn < 0.13)
    prefix = np.where(came, foreign[rng.integers(0, len(foreign), len(birth))], prefix)
    return prefix, np.where(came, numbers.FOREIGN_SERIAL, numbers.PERSON_SERIAL)


def _house(rng: np.random.Generator, targets: Targets, district: Ints) -> Ints:
    """The village of each family: log-normal weights inside the district, numbers exact."""
    result = np.empty(len(district), dtype=np.int64)
    offset = 0
    for number, places in enumerate(targets.villages):
        families = np.flatnonzero(district == number)
        counts = apportion(len(families), rng.lognormal(0, 0.35, len(places)))
        result[families] = rng.permutation(np.repeat(np.arange(len(places)) + offset, counts))
        offset += len(places)
    return result


def _dead(rng: np.random.Generator, base: _People, village: Ints, villages: tuple[Place, ...], today: int) -> _People:
    """The dead of the last year, on the cards of those who live: half a percent, a third of them former heads."""
    count = round(0.005 * len(base.birth))
    family = rng.integers(0, len(village), count)
    back = rng.integers(20, 365, count)
    birth = moves.ANCHOR_DAY - back - (np.clip(rng.normal(70, 12, count), 1, 98) * 365.25).astype(np.int64)
    heads = base.birth[base.relation == HEAD][family]
    relation = np.where(rng.random(count) < 0.33, HEAD, np.where(birth < heads - 15 * 365, PARENT, OTHER))
    prefix = _district_digits(villages)[village[family]]
    serial = np.full(count, numbers.PERSON_SERIAL)
    status = np.full(count, moves.DECEASED)
    return _People(birth, rng.integers(0, 2, count), family, relation, prefix, serial, status, today - back)


def _moved(
    rng: np.random.Generator, sizes: Ints, first_family: int, village: Ints, villages: tuple[Place, ...], today: int
) -> _People:
    """Families that moved away in the last half year, and people who lived alone and died: the welfare data still has them."""
    people = moves.small_families(rng, sizes, moves.ANCHOR_DAY)
    prefix = _district_digits(villages)[village[people.family]]
    left = (today - rng.integers(20, 180, len(sizes)))[people.family]
    serial = np.full(len(prefix), numbers.PERSON_SERIAL)
    has_died = (sizes == 1) & (rng.random(len(sizes)) < 0.5)
    status = np.where(has_died[people.family], moves.DECEASED, moves.MOVED)
    return _People(people.birth, people.sex, people.family + first_family, people.relation, prefix, serial, status, left)


def _district_digits(villages: tuple[Place, ...]) -> Ints:
    """The six digits of each village's district."""
    return np.array([numbers.digits(place.district_code) for place in villages])


def _families(
    seed: int, tables: Tables, targets: Targets, villages: tuple[Place, ...], village: Ints, base: _People, today: int
) -> Families:
    """The cards: those who live there first, in the exact decile numbers, then those who moved away."""
    rng = generator(seed, targets.code, "welfare")
    count = int(base.family[-1]) + 1
    living = welfare.draw_living(rng, tables, targets, np.bincount(base.family, minlength=count))
    issued = moves.ANCHOR_DAY - rng.integers(60, OLDEST_CARD, len(village))
    issued = np.where(issued > today, issued - OLDEST_CARD, issued)
    card = numbers.number_cards(_district_digits(villages)[village], issued, numbers.CARD_SERIAL)
    elsewhere = rng.random(len(village))
    number_of = np.array([len(places) for places in targets.villages])
    district = np.repeat(np.arange(len(number_of)), number_of)[village]
    first = np.cumsum(number_of) - number_of
    near = first[district] + (rng.random(len(village)) * number_of[district]).astype(np.int64)
    far = rng.integers(0, len(villages), len(village))
    welfare_village = np.where(elsewhere < 0.0687 * 0.55, near, np.where(elsewhere < 0.0687, far, village))
    like = np.r_[np.arange(count), rng.integers(0, count, len(village) - count)]
    return _like(living, like, card, village, welfare_village)


def _like(living: welfare.Living, like: Ints, card: Ints, village: Ints, welfare_village: Ints) -> Families:
    """Cards that live as the families `like` do."""
    housing = np.column_stack([living.housing[name] for name in welfare.HOUSING])
    return Families(
        card=card,
        village=village,
        welfare_village=welfare_village,
        true_decile=living.true_decile[like],
        decile=living.decile[like],
        rank=living.rank[like],
        is_poor=living.is_poor[like],
        power_va=living.power_va[like],
        housing=housing[like],
        assets=living.assets[like],
        period=np.zeros(len(card), dtype=np.int64),
        is_listed=np.ones(len(card), dtype=bool),
    )


def _welfare_persons(
    rng: np.random.Generator, persons: Persons, families: Families, base_families: int
) -> tuple[WelfarePersons, Families]:
    """The welfare data's persons: as the register, but some young people who have a card now stand on their parents'."""
    rows = np.flatnonzero(persons.status != moves.DECEASED)
    family, relation = persons.family[rows].copy(), persons.relation[rows].copy()
    age = (moves.ANCHOR_DAY - persons.birth[rows]) / 365.25
    size = np.bincount(family, minlength=len(families.card))
    alone = np.flatnonzero((size[family] == 1) & (age >= 19) & (age < 35) & (family < base_families))
    old = np.flatnonzero((relation == HEAD) & (age >= 45) & (age < 62) & (family < base_families))
    count = min(round(0.004 * base_families), len(alone), len(old))
    leavers, parents = alone[pick(rng, np.ones(len(alone)), count)], old[pick(rng, np.ones(len(old)), count)]
    is_listed = families.is_listed.copy()
    is_listed[family[leavers]] = False
    family[leavers], relation[leavers] = family[parents], CHILD
    order = np.argsort(family, kind="stable")
    return WelfarePersons(rows[order], family[order], relation[order]), replace(families, is_listed=is_listed)


def _add_shared(
    seed: int,
    tables: Tables,
    targets: Targets,
    is_origin: bool,
    both: SharedFamilies,
    today: int,
    persons: Persons,
    families: Families,
    welfare_persons: WelfarePersons,
) -> tuple[Persons, Families, WelfarePersons]:
    """Add the families that this regency has in common with another one, as its own register and welfare data see them."""
    people, kind = both.people, both.kind
    rng = generator(seed, targets.code, "shared|" + both.pair)
    who = np.arange(len(both.nik)) if is_origin else np.flatnonzero(both.in_destination())
    person_kind = kind[people.family[who]]
    first = len(families.card)
    count = people.count
    like = rng.integers(0, len(families.card), count)
    village = rng.integers(0, int(families.village.max()) + 1, count)
    sample = {f.name: getattr(families, f.name)[like] for f in fields(Families)}
    decile, in_decile = rng.integers(1, 6, count), welfare.NATIONAL_FAMILIES_PER_DECILE
    listed = np.ones(count, dtype=bool) if is_origin else (kind != moves.MOVED_AWAY) | (np.arange(count) % 2 == 0)
    sample |= {
        "card": both.card_origin if is_origin else both.card_new,
        "village": village,
        "welfare_village": village,
        "decile": decile,
        "rank": (decile - 1) * in_decile + rng.integers(1, in_decile, count),
        "period": np.where((kind == moves.TWO_REGISTERS) & is_origin, 1, 0),
        "is_listed": listed,
    }
    moved = person_kind == moves.MOVED_AWAY
    day = np.select([moved & is_origin, person_kind == moves.TWO_REGISTERS], [today - 66, today - (400 if is_origin else 49)], 0)
    day = np.where((person_kind == moves.TWO_CARDS) & (not is_origin), today - 110, day)
    relation = np.where((person_kind == moves.TWO_CARDS) & (not is_origin), HEAD, people.relation[who])
    added = Persons(
        nik=both.nik[who],
        birth=people.birth[who],
        sex=people.sex[who],
        words=draw_words(generator(seed, both.pair, "names"), tables, _year(people.birth), people.sex)[who],
        family=people.family[who] + first,
        relation=relation,
        status=np.where(moved & is_origin, moves.MOVED, moves.ACTIVE),
        status_day=day,
    )
    rows = np.flatnonzero(listed[people.family[who]])
    known = WelfarePersons(rows + len(persons.nik), added.family[rows], added.relation[rows])
    return stack([persons, added]), stack([families, Families(**sample)]), stack([welfare_persons, known])
