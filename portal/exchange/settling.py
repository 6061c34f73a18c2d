"""What a load of people tells of the movements under way: those that are done, those still to be kept as asked here."""

from datetime import datetime
from typing import Any

from portal.formats import search_key, sort_key
from portal.models import Beneficiary, BeneficiaryRole, Movement, MovementKind, MovementState

Records = dict[Any, tuple]
OTHERWISE = "La mutuelle a retenu autre chose que ce qui était demandé."
NAMES = ("birth_name", "used_name", "first_name")


class Settling:
    """Goes over the records of a load, a chunk at a time, before they are written. `names`: what their columns are."""

    def __init__(self, names: tuple[str, ...], now: datetime) -> None:
        self.places, self.now = {name: place for place, name in enumerate(names)}, now
        self.newcomers = Newcomers() if Beneficiary.select().where(Beneficiary.provisional).exists() else None
        self.under_way = Movement.select().where(Movement.state.in_(Movement.IN_PROGRESS)).exists()

    def adjust(self, records: Records) -> Records:
        """The records, with what was asked here and that the management system does not know yet."""
        if self.newcomers:
            self.newcomers.number(records, self.places)
        if not self.under_way:
            return records
        settled: dict[str, list[int]] = {}
        records = dict(records)
        arrived = dict(records)
        for movement in self.movements(list(records)):
            number = movement.beneficiary.member_number
            asked, remark = self.weigh(movement, arrived[number], records[number])
            if remark is not None:
                settled.setdefault(remark, []).append(movement.id)
            elif asked:
                records[number] = self.with_values(records[number], asked)
        for remark, ids in settled.items():
            done = Movement.update(state=MovementState.PROCESSED, settled_at=self.now, remark=remark)
            done.where(Movement.id.in_(ids)).execute()
        return records

    def movements(self, numbers: list[str]) -> Any:
        found = Movement.select(Movement, Beneficiary.id, Beneficiary.member_number).join(Beneficiary)
        found = found.where(Movement.state.in_(Movement.IN_PROGRESS), Beneficiary.member_number.in_(numbers))
        return found.order_by(Movement.id)

    def weigh(self, movement: Movement, arrived: tuple, kept: tuple) -> tuple[dict[str, Any], str | None]:
        """(values to keep as asked, nothing) or (nothing, the remark of a movement that is done)."""
        handed_over = movement.state == MovementState.HANDED_OVER
        if movement.kind == MovementKind.AFFILIATION:
            same = arrived[self.places["effective_on"]] == movement.after["effective_on"]
            return {}, ("" if same else OTHERWISE)
        asked = {name: value for name, value in movement.after.items() if name in self.places}
        if all(arrived[self.places[name]] == value for name, value in asked.items()):
            return {}, ""
        unknown_yet = all(kept[self.places[name]] == (movement.before or {}).get(name) for name in asked)
        if handed_over and not unknown_yet:
            return {}, OTHERWISE
        return (asked if movement.applied_at else {}), None

    def with_values(self, record: tuple, values: dict[str, Any]) -> tuple:
        changed = list(record)
        for name, value in values.items():
            changed[self.places[name]] = value
        if set(NAMES) & values.keys():
            birth, used, first = (changed[self.places[name]] for name in NAMES)
            keys = sort_key(used or birth), sort_key(first)
            found_by = " ".join(map(search_key, (birth, used, first, changed[self.places["member_number"]])))
            for name, value in zip(("name_key", "first_name_key", "search_key"), (*keys, found_by), strict=True):
                changed[self.places[name]] = value
        return tuple(changed)


class Newcomers:
    """People affiliated here, whom the mutual now numbers: found by NIR, otherwise by names and birth date."""

    def __init__(self) -> None:
        self.by_nir: dict[tuple, Beneficiary] = {}
        self.by_name: dict[tuple, Beneficiary] = {}
        for person in Beneficiary.select().where(Beneficiary.provisional).order_by(Beneficiary.id):
            role = BeneficiaryRole(person.role).value
            if person.nir_index:
                self.by_nir[person.account_id, person.nir_index, role] = person
            birth_date = person.birth_date.isoformat()
            self.by_name[person.account_id, person.name_key, person.first_name_key, birth_date, role] = person

    def number(self, records: Records, places: dict[str, int]) -> None:
        """Give their member and household numbers to those whom these records bring for the first time."""
        numbers = list(records)
        known = Beneficiary.select(Beneficiary.member_number).where(Beneficiary.member_number.in_(numbers))
        new = records.keys() - {number for (number,) in known.tuples()}
        for number in sorted(new, key=numbers.index):
            record = records[number]
            person = self.find(record, places)
            if person is None:
                continue
            Beneficiary.update(member_number=number, provisional=False).where(Beneficiary.id == person.id).execute()
            if person.is_employee:
                household = Beneficiary.update(household_number=record[places["household_number"]])
                household.where(
                    Beneficiary.account == person.account_id, Beneficiary.household_number == person.household_number
                ).execute()

    def find(self, record: tuple, places: dict[str, int]) -> Beneficiary | None:
        def value(name: str) -> Any:
            return record[places[name]]

        account, role = value("account"), value("role")
        names = (account, value("name_key"), value("first_name_key"), value("birth_date"), role)
        person = self.by_nir.get((account, value("nir_index"), role)) or self.by_name.get(names)
        if person is not None:  # once: another record is another person
            for known in (self.by_nir, self.by_name):
                for key in [key for key, one in known.items() if one.id == person.id]:
                    del known[key]
        return person
