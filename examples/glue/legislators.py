"""Made-up legislators, in the nested JSON of AWS's tutorial: persons, memberships, organizations.

    python -m examples.glue.legislators s3://bucket/us-legislators 500

The same seed gives the same people. Names, parties and seats are invented.
"""

import json
import random
import sys
from collections.abc import Iterator
from typing import Any

Record = dict[str, Any]
HOUSE, SENATE = "org-house", "org-senate"
_GIVEN = ("Ada", "Blaise", "Cecilia", "Dirk", "Emmy", "Fritz", "Grace", "Hedy", "Ivo", "Joan")
_FAMILY = ("Adams", "Baker", "Clark", "Davis", "Evans", "Foster", "Green", "Hughes", "Irwin")
_PARTIES = ("party/ash", "party/birch", "party/cedar")
_CHANNELS = ("fax", "phone", "twitter")


def persons(count: int, seed: int = 7) -> Iterator[Record]:
    """Persons with contact details, identifiers, links and names: some have none of them."""
    chance = random.Random(seed)
    for number in range(count):
        given, family = chance.choice(_GIVEN), chance.choice(_FAMILY)
        person: Record = {
            "id": f"person-{number:05d}",
            "family_name": family,
            "given_name": given,
            "name": f"{given} {family}",
            "sort_name": f"{family}, {given}",
            "gender": chance.choice(("female", "male")),
            "birth_date": f"{chance.randint(1930, 1985)}-0{chance.randint(1, 9)}-1{number % 10}",
            "identifiers": [
                {"scheme": scheme, "identifier": f"{scheme}-{number}"}
                for scheme in chance.sample(("bioguide", "govtrack", "wikidata"), 2)
            ],
        }
        if chance.random() < 0.7:
            person["contact_details"] = [
                {"type": channel, "value": f"202-555-{chance.randint(1000, 9999)}"}
                for channel in _CHANNELS[: chance.randint(1, 3)]
            ]
        if chance.random() < 0.5:
            person["links"] = [{"note": "website", "url": f"https://example.org/{number}"}]
        if chance.random() < 0.4:
            person["other_names"] = [
                {"lang": lang, "name": f"{given} ({lang})", "note": "alternate"}
                for lang in ("de", "fr")[: chance.randint(1, 2)]
            ]
        if chance.random() < 0.3:
            person["image"] = f"https://example.org/{number}.jpg"
            person["images"] = [{"url": person["image"]}]
        if chance.random() < 0.1:
            person["death_date"] = "2010-01-01"
        yield person


def memberships(count: int, seed: int = 7) -> Iterator[Record]:
    """One to three terms for each of `count` persons."""
    chance = random.Random(seed + 1)
    for number in range(count):
        for term in range(chance.randint(1, 3)):
            yield {
                "person_id": f"person-{number:05d}",
                "organization_id": SENATE if chance.random() < 0.2 else HOUSE,
                "on_behalf_of_id": chance.choice(_PARTIES),
                "legislative_period_id": f"term/{100 + term}",
                "role": "member",
                "area_id": f"area-{chance.randint(1, 50)}",
                "start_date": f"{1990 + 2 * term}-01-03",
                "end_date": f"{1992 + 2 * term}-01-03",
            }


def organizations() -> Iterator[Record]:
    """The two chambers, and the parties."""
    yield {
        "id": HOUSE, "name": "House of Representatives", "classification": "legislature",
        "type": "lower house", "seats": 435,
    }  # fmt: skip
    yield {
        "id": SENATE, "name": "Senate", "classification": "legislature",
        "type": "upper house", "seats": 100,
    }  # fmt: skip
    for party in _PARTIES:
        name = party.partition("/")[2].title()
        yield {
            "id": party, "name": name, "classification": "party",
            "other_names": [{"lang": "en", "name": f"{name} party", "note": "official"}],
            "identifiers": [{"scheme": "wikidata", "identifier": name}],
        }  # fmt: skip


def files(count: int, seed: int = 7) -> dict[str, bytes]:
    """The three files, by their names: a record on each line."""
    tables = {
        "persons": persons(count, seed),
        "memberships": memberships(count, seed),
        "organizations": organizations(),
    }
    return {
        f"{name}.json": "".join(json.dumps(one) + "\n" for one in records).encode()
        for name, records in tables.items()
    }


def main() -> None:
    import boto3  # noqa: PLC0415 - only to put them into S3

    address, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 500
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    for name, body in files(count).items():
        boto3.client("s3").put_object(Bucket=bucket, Key=f"{prefix}/{name[:-5]}/{name}", Body=body)


if __name__ == "__main__":
    main()
