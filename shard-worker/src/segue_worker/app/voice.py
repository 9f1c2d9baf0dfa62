"""Joining, moving to and leaving voice channels."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segue_core.ids import GuildId
from segue_core.logging import get_logger
from segue_worker.gateway.bot import WorkerBot
from segue_worker.gateway.errors import GatewayError
from segue_worker.shards.lease import LeaseLapsedError

if TYPE_CHECKING:
    from segue_core.ids import ChannelId

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class VoiceCaller:
    """A ``Voice`` and a ``VoiceSender``: op 4 on the guild's shard."""

    bot: WorkerBot
    under_way: Counter[GuildId] = field(default_factory=Counter)

    async def send_voice_state(self, guild: GuildId, channel: ChannelId | None, *, self_deaf: bool) -> None:
        """Join, move to, or leave a voice channel. A send that can't be made is found by its time-out."""
        self.under_way[guild] += 1
        try:
            await self.bot.set_voice_channel(guild, channel, self_deaf=self_deaf)
        except (GatewayError, LeaseLapsedError) as error:
            _log.info("voice.not_sent", guild=guild, why=str(error))
        finally:
            self.under_way[guild] -= 1
            if not self.under_way[guild]:
                del self.under_way[guild]

    def sending(self, guild: GuildId) -> bool:
        """Whether something waits to be sent for this guild."""
        return guild in self.under_way
