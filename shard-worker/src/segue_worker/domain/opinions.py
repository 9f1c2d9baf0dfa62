"""What people think of the song that plays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_core.events import Opinion, SongRated
from segue_worker.domain.messages import Verb
from segue_worker.domain.views import Phrase, Tone, Words

if TYPE_CHECKING:
    from segue_worker.domain.messages import Command
    from segue_worker.domain.turn import Turn

_MEANT = {
    Verb.LIKE: (Opinion.LIKE, Phrase.LIKES),
    Verb.DISLIKE: (Opinion.DISLIKE, Phrase.DISLIKES),
    Verb.SAVE: (Opinion.SAVE, Phrase.SAVED),
}


def rate(turn: Turn, command: Command) -> None:
    """Record it; listening along is not asked for. Said twice, it counts once."""
    item = turn.state.current
    if item is None:
        turn.refuse(command, Phrase.NOTHING_PLAYING)
        return
    opinion, phrase = _MEANT[command.verb]
    undone = command.choice is not None
    turn.accept(command, item.track.title)
    turn.record(SongRated(track=item.track, user=command.user, opinion=opinion, undone=undone))
    words = Words(phrase=Phrase.OPINION_UNDONE if undone else phrase, values={"title": item.track.title})
    # Nothing in the message changes by it, so whoever pressed the button is told.
    turn.reply(command, Tone.INFO, words)
