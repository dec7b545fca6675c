"""What the routes work with: one instance of each, made when the application starts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from darkroom.broker import Broker
from darkroom.cache import Cache
from darkroom.config import Config
from darkroom.db import Database
from darkroom.flag_reader import FlagReader
from darkroom.flags import Flags
from darkroom.loading import Loading
from darkroom.originals import Originals
from darkroom.partner import Partner
from darkroom.pulse import Pulse
from darkroom.routing import Reads
from darkroom.shedding import Shedding


@dataclass(frozen=True, slots=True)
class Services:
    """Darkroom's parts. `stopping` is set when the process has been told to stop."""

    config: Config
    primary: Database
    replica: Database
    primary_pulse: Pulse
    replica_pulse: Pulse
    reads: Reads
    cache: Cache
    loading: Loading
    flags: Flags
    flag_reader: FlagReader
    broker: Broker
    originals: Originals
    partner: Partner
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def build(cls, config: Config) -> Services:
        """The parts, none of them connected yet."""
        primary = Database("primary", config.primary_host, config)
        replica = Database("replica", config.replica_host, config)
        flags = Flags()
        cache = Cache(config, flags)
        return cls(
            config=config,
            primary=primary,
            replica=replica,
            primary_pulse=Pulse(primary),
            replica_pulse=Pulse(replica),
            reads=Reads(primary, replica, budget=config.read_budget),
            cache=cache,
            loading=Loading(cache, flags, Shedding(flags, config.pool_size)),
            flags=flags,
            flag_reader=FlagReader(config, flags),
            broker=Broker(config),
            originals=Originals(config.media),
            partner=Partner(config),
        )

    async def open(self) -> None:
        await self.primary.open()
        await self.replica.open()
        await self.partner.open()
        self.flag_reader.start()

    async def close(self) -> None:
        await self.flag_reader.close()
        await self.loading.close()
        await self.partner.close()
        self.broker.close()
        await self.cache.close()
        await self.primary.close()
        await self.replica.close()


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services)]
