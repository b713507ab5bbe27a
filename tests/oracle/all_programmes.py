"""Nasty small populations for every programme at once: persons, lone elderly, pupils, shared numbers, places that bind."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from oracle.families import CHOICES, REGION, WRONG_NIK, Maker, Population
from oracle.programmes import INVENTED, PROGRAMMES, SHIPPED

STAGES = (
    ("2025-T4",) * 4 + ("2026-T1",) * 4 + ("2026-T2",) * 3 + ("2025-T3", "2025-T2", "2025-T1", "2024-T1", "2023-T1", "2020-T2")
)
ELSEWHERE = "35.09"
FURTHER_CHOICES: dict[str, tuple[str, ...]] = {
    "pip.max_decile": ("1", "3", "none"),
    "pbi-jk.max_decile": ("2", "9"),
    "pbi-jk.wage_reference": ("ump", "umk"),
    "rantang-kasih.max_decile": ("1", "2", "10"),
    "rantang-kasih.elderly_min_age": ("45", "65", "70"),
    "blt-dana-desa.max_decile": ("2", "4", "10"),
    "blt-kesra.max_decile": ("1", "10"),
    "blt-kesra.wage_reference": ("ump",),
    "blt-kesra.electricity_min_va": ("450", "1300", "none"),
    "blt-kesra.car_min_count": ("2", "none"),
    "pkh.electricity_min_va": ("none",),
    "bpnt.car_min_count": ("none",),
}


class MakerForAll(Maker):
    """Makes one population for all programmes."""

    stages = STAGES

    def share_numbers(self) -> None:
        """Members of one card who share a number that is not valid, or have none; some with the facts of a pupil."""
        rng = self.rng
        for card in rng.sample(self.cards, len(self.cards) // 10):
            number = rng.choice((None, None, *WRONG_NIK))
            rows = [row for row in self.data["population"] if row["no_kk"] == card]
            for row in rng.sample(rows, min(len(rows), rng.choice((1, 2, 3)))):
                self.rename(row["nik"], number)
                row["nik"] = number
            if rows and number is not None and rng.random() < 0.5:
                self.fact(number, "ENROLLED", rng.choice(("SD", "SMP", "SMA")))

    def rename(self, before: str | None, after: str | None) -> None:
        """Let the welfare data say the same number, mostly."""
        for row in self.data["welfare_person"]:
            if before is not None and row["nik"] == before and self.rng.random() < 0.8:
                row["nik"] = after

    def places(self, region: str) -> None:
        """Quotas of every programme, most of them binding."""
        self.data["quota"] = []
        for programme in SHIPPED:
            quota = self.rng.choice((None, None, 0, 1, 2, 5, 12, 30))
            if quota is not None:
                row = {"region_code": region, "programme": programme, "stage": self.stage, "quota": quota}
                self.data["quota"] += [row, row | {"region_code": "51.71"}, row | {"stage": "2026-T3", "quota": 2}]

    def wages_of(self, region: str) -> None:
        """The minimum wage of another region too; sometimes no figure at all."""
        year = self.as_of.year
        if region != REGION:
            rows = [row for row in self.data["minimum_wage"] if row["region_code"] != region]
            self.data["minimum_wage"] = [*rows, {"region_code": region, "year": year, "ump_idr": self.wage_limit}]
        if self.rng.random() < 0.08:
            for row in self.data["minimum_wage"]:
                row |= {"umk_idr": None, "ump_idr": None}

    def programmes(self, region: str) -> tuple[str, ...]:
        """Some that exist here on this day, with those that exclude one of them; rarely one more or one less."""
        rng = self.rng
        here = [code for code, rules in SHIPPED.items() if rules.exists(region, self.as_of)]
        chosen = set(rng.sample(here, min(len(here), rng.choice((1, 2, 3, 4, 7)))))
        for code in sorted(chosen):
            chosen.update(other for other in SHIPPED[code].excluded_by if rng.random() < 0.96)
        if rng.random() < 0.08:
            chosen.add(rng.choice(sorted(SHIPPED)))
        return tuple(rng.sample(sorted(chosen), len(chosen)))


def _settings(maker: MakerForAll, programmes: tuple[str, ...]) -> dict[str, str]:
    """Parameters of the programmes of the run and those of no programme."""
    choices = CHOICES | {name: CHOICES.get(name, ()) + values for name, values in FURTHER_CHOICES.items()}
    names = [name for name in sorted(choices) if name.partition(".")[0] in (*programmes, "signal", "quarantine", "lottery_seed")]
    chosen = maker.rng.sample(names, min(len(names), maker.rng.choice((0, 0, 1, 2, 4))))
    return {name: maker.rng.choice(choices[name]) for name in chosen}


def generate_for_all(seed: int, families: int = 40) -> Population:
    """The population of this seed."""
    maker = MakerForAll(seed + 500_000)
    rng = maker.rng
    if maker.stage == "2025-T4" and rng.random() < 0.2:
        maker.as_of = rng.choice((date(2025, 9, 30), date(2025, 10, 31), date(2025, 12, 31), date(2026, 1, 1)))
    region = ELSEWHERE if rng.random() < 0.08 else REGION
    for _ in range(families):
        maker.family()
    maker.duplicate_rows()
    maker.share_numbers()
    maker.quarantine()
    scope = rng.choice(("population", "population", "population", "registrants"))
    if scope == "registrants":
        maker.register_families()
    maker.references()
    maker.wages_of(region)
    maker.places(region)
    programmes = maker.programmes(region)
    settings = _settings(maker, programmes)
    if seed % 7 == 3:
        settings |= maker.wealth()
    for rows in maker.data.values():
        rng.shuffle(rows)
    made = Population(seed, maker.data, maker.stage, maker.as_of, scope, settings, programmes, region)
    return made if region == REGION else _moved(made, rng.randrange(1, 3))


def with_invented(population: Population) -> Population:
    """The same people under the invented programmes too, with those that exclude one of them."""
    here = {*population.programmes, *INVENTED}
    for code in sorted(here):
        here.update(PROGRAMMES[code].excluded_by)
    here = {code for code in here if PROGRAMMES[code].exists(population.region, population.as_of)}
    places = [{"region_code": population.region, "stage": population.stage, "quota": 12, "programme": "try-meals"}]
    data = population.data | {"quota": population.data["quota"] + places * (population.seed % 2)}
    return replace(population, data=data, programmes=tuple(sorted(here)))


def _moved(population: Population, often: int) -> Population:
    """Every so many people are placed in the other region, so that there is somebody to decide on."""
    data = dict(population.data)
    for name in ("population", "welfare_family"):
        rows = enumerate(data[name])
        data[name] = [row | {"region_code": population.region} if number % (often + 1) else row for number, row in rows]
    return replace(population, data=data)
