"""Random histories, compared with a list for each log that knows nothing of disks."""

import random
from dataclasses import dataclass, field

import pytest

from millpond.engines.log.interface import Batch, Sealed

STEPS = 150


@dataclass
class Kept:
    entries: list = field(default_factory=list)
    sealed: bool = False


class History:
    """One client's random calls on five logs, and what they must have done."""

    def __init__(self, store, prefix, seed):
        self.store = store
        self.chance = random.Random(seed)
        self.names = [prefix + b"%d" % number for number in range(5)]
        self.model = {}

    async def run(self):
        steps = {
            self.append: 70,
            self.seal: 2,
            self.delete: 3,
            self.trim: 8,
            self.restart: 3,
            self.settle: 4,
            self.check: 8,
        }
        for _ in range(STEPS):
            self.store.clock.advance(self.chance.choice([0, 0.001, 1]))
            step = self.chance.choices(list(steps), list(steps.values()))[0]
            await step(self.chance.choice(self.names))
        for name in self.names:
            await self.check(name)

    async def append(self, _):
        chosen = self.chance.choices(self.names, k=self.chance.choice([1, 1, 3]))
        batches = [Batch(name, self.some_entries()) for name in chosen]
        if any(name in self.model and self.model[name].sealed for name in chosen):
            with pytest.raises(Sealed):
                await self.store.log.append(batches)
            return
        answers = await self.store.log.append(batches)
        for (name, entries), answer in zip(batches, answers, strict=True):
            kept = self.model.setdefault(name, Kept()).entries
            assert answer.position == len(kept)
            assert answer.time_ms == self.store.clock.now_ms()
            for key, value in entries:
                kept.append((len(kept), answer.time_ms, key, value))

    def some_entries(self):
        return [
            (b"%d" % self.chance.randint(0, 9), self.chance.randbytes(self.chance.randint(0, 200)))
            for _ in range(self.chance.randint(1, 6))
        ]

    async def seal(self, name):
        kept = self.model.setdefault(name, Kept())
        assert await self.store.log.seal(name) == len(kept.entries)
        kept.sealed = True

    async def delete(self, name):
        await self.store.log.delete(name)
        self.model.pop(name, None)

    async def trim(self, name):
        before_ms = self.store.clock.now_ms() - self.chance.randint(0, 20_000)
        first = self.store.log.bounds(name).first
        await self.store.log.trim(name, before_ms)
        bounds = self.store.log.bounds(name)
        assert bounds.first >= first
        kept = self.model.get(name, Kept()).entries
        assert all(entry[1] < before_ms for entry in kept[first : bounds.first])

    async def restart(self, _):
        firsts = [self.store.log.bounds(name).first for name in self.names]
        await self.store.restart()
        assert [self.store.log.bounds(name).first for name in self.names] == firsts

    async def settle(self, _):
        await self.store.settle()

    async def check(self, name):
        log = self.store.log
        kept = self.model.get(name, Kept())
        bounds = log.bounds(name)
        assert (bounds.end, bounds.sealed) == (len(kept.entries), kept.sealed)
        position, found = self.chance.randint(0, bounds.end), []
        expected = kept.entries[max(position, bounds.first) :]
        while True:
            read = await log.read(
                name,
                position,
                entries_max=self.chance.choice([1, 5, 1_000]),
                size_bytes_max=self.chance.choice([1, 500, 100_000]),
            )
            if not read.entries:
                break
            found += read.entries
            position = read.next_position
        assert [(one.position, one.time_ms, one.key, one.value) for one in found] == expected
        for _, time_ms, _, _ in kept.entries[bounds.first :][:: 1 + len(expected) // 5]:
            first = next(one[0] for one in kept.entries[bounds.first :] if one[1] >= time_ms)
            assert await log.find(name, time_ms) == first


@pytest.mark.parametrize("seed", range(12))
def test_a_random_history_is_that_of_plain_lists(bench, seed):
    bench.run(History(bench.store, bench.fresh_prefix(), seed).run())
