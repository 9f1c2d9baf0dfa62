"""What people do on the page, one request at a time: type, press, choose, fill in, send a file."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from segue_devkit.demo.typed import TypedError, focus, parse
from segue_devkit.discord.client import SimError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segue_devkit.demo.typed import Pick
    from segue_devkit.demo.world import DemoWorld, Seat
    from segue_devkit.discord.client import Attachment, Choice, Interaction, Modal

MAX_FILE_BYTES = 10 * 1024 * 1024
"""What Discord takes without a subscription."""
_REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an action: nothing to see beyond the channel, or a form to fill in."""

    modal: dict[str, Any] | None = None


class Acting:
    """Carries out what is done on the page, through Discord's client.

    Uploads and open forms are remembered, the last few of them: the page names them by id.
    """

    def __init__(self, world: DemoWorld) -> None:
        self._world = world
        self._forms: OrderedDict[str, tuple[Seat, Modal]] = OrderedDict()
        self._files: OrderedDict[str, tuple[int, Attachment]] = OrderedDict()

    async def say(self, seat: Seat, text: str, picks: Mapping[str, Pick], files: Sequence[str]) -> Done:
        """Carry out what was typed; return when the bot has acknowledged it. Without a slash it is talk.

        Raises:
            TypedError: it is no command that could be sent.
            SimError: Discord's client would not let the person do this, or the bot did not respond.
        """
        channel = seat.guild.text_channel
        if not text.startswith("/"):
            if files:
                raise TypedError("Files go to commands that take one: try /play and choose “file”.")
            if not text.strip():
                raise TypedError("There is nothing to send.")
            await seat.person.say(channel, text)
            return Done()
        uploads = [self._file(seat, name) for name in files]
        typed = parse(text, tuple(await seat.person.commands(channel)), picks, uploads)
        return await self._acknowledged(seat, await seat.person.slash(channel, typed.name, **typed.options))

    async def complete(self, seat: Seat, text: str) -> tuple[Choice, ...]:
        """Return what the bot proposes for the option that is being typed; nothing if it proposes none.

        Raises:
            TypedError, SimError: as for :meth:`say`.
        """
        channel = seat.guild.text_channel
        found = focus(text, tuple(await seat.person.commands(channel)))
        if found is None:
            return ()
        return await seat.person.autocomplete(channel, found.name, found.option, **found.options)

    async def click(self, seat: Seat, message: int, custom_id: str, values: Sequence[str] = ()) -> Done:
        """Press a button of a message, or choose ``values`` in a menu; return when it is acknowledged.

        Raises:
            SimError: there is no such message or button, or the bot did not respond.
        """
        for seen in await self._world.discord.messages(seat.guild.text_channel, seat.person):
            if seen.id == message:
                return await self._acknowledged(seat, await seat.person.click(seen, custom_id, values))
        raise SimError("That message is gone.")

    async def submit(self, seat: Seat, form: str, values: Mapping[str, object]) -> Done:
        """Send a form that an earlier action opened.

        Raises:
            TypedError: no such form is open.
            SimError: a field was not filled in as it must be, or the bot did not respond.
        """
        owner, modal = self._forms.get(form, (None, None))
        if modal is None or owner != seat:
            raise TypedError("That form is no longer open.")
        done = await self._acknowledged(seat, await seat.person.submit(modal, **values))
        self._forms.pop(form, None)
        return done

    async def upload(self, seat: Seat, filename: str, data: bytes, content_type: str) -> str:
        """Take a file for a command; return the name by which :meth:`say` knows it."""
        attachment = await seat.person.upload(filename, data, content_type)
        name = str(attachment.id)
        _remember(self._files, name, (seat.person.id, attachment))
        return name

    def _file(self, seat: Seat, name: str) -> Attachment:
        person, attachment = self._files.get(name, (None, None))
        if attachment is None or person != seat.person.id:
            raise TypedError("That file is no longer there: choose it again.")
        return attachment

    async def _acknowledged(self, seat: Seat, interaction: Interaction) -> Done:
        await interaction.wait_ack()
        modal = interaction.answer().modal
        if modal is None:
            return Done()
        form = str(modal.asked)
        _remember(self._forms, form, (seat, modal))
        fields = [{**one.raw, "label": one.label, "required": one.required} for one in modal.fields]
        return Done({"form": form, "title": modal.title, "fields": fields})


def _remember(known: OrderedDict[str, Any], name: str, value: object) -> None:
    known[name] = value
    while len(known) > _REMEMBERED:
        known.popitem(last=False)
