"""A small bot of our own on the simulator: it answers with every kind of thing the page must show."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Self

import aiohttp

from segue_devkit.discord.config import DEFAULT_TOKEN

if TYPE_CHECKING:
    from types import TracebackType

EPHEMERAL = 1 << 6
GUILDS_AND_VOICE = 1 << 0 | 1 << 7
COMMAND, COMPONENT, AUTOCOMPLETE, SUBMIT = 2, 3, 4, 5
MESSAGE, UPDATE, CHOICES, MODAL = 4, 7, 8, 9
TUNES = ("Lantern Waltz", "Lantern Bearers", "Tide Tables")
COMMANDS = [
    {
        "name": "play",
        "description": "Play",
        "options": [
            {"name": "query", "type": 3, "description": "Words or a link", "autocomplete": True},
            {"name": "next", "type": 5, "description": "Before all others"},
            {"name": "file", "type": 11, "description": "A file of yours"},
        ],
    },
    {"name": "choose", "description": "Choose from results"},
    {"name": "several", "description": "Choose several"},
    {"name": "rename", "description": "Fill in a form"},
]
MENU = {
    "type": 3,
    "custom_id": "pick",
    "placeholder": "Which one?",
    "options": [{"label": one, "value": f"v{i}", "description": "a tune"} for i, one in enumerate(TUNES)],
}
FORM = {
    "custom_id": "form",
    "title": "Name this queue",
    "components": [
        {
            "type": 1,
            "components": [
                {
                    "type": 4,
                    "custom_id": "name",
                    "label": "Name",
                    "style": 1,
                    "min_length": 3,
                    "max_length": 20,
                }
            ],
        },
        {
            "type": 1,
            "components": [
                {"type": 4, "custom_id": "why", "label": "Why", "style": 2, "required": False, "value": "so"}
            ],
        },
    ],
}


class Bot:
    """Use it as ``async with``: inside, it is connected and its commands are registered."""

    def __init__(self, api_url: str) -> None:
        self._api = api_url
        self._http = aiohttp.ClientSession(headers={"Authorization": f"Bot {DEFAULT_TOKEN}"})
        self._reader: asyncio.Task[None] | None = None
        self.completed: list[str] = []
        """What was typed when the bot was asked to complete it."""

    async def __aenter__(self) -> Self:
        me = await self._call("GET", "/users/@me")
        gateway = await self._call("GET", "/gateway/bot")
        socket = await self._http.ws_connect(f"{gateway['url']}/?v=10&encoding=json")
        await socket.receive_json()
        identify = {
            "token": DEFAULT_TOKEN,
            "intents": GUILDS_AND_VOICE,
            "shard": [0, 1],
            "properties": {"os": "linux", "browser": "test", "device": "test"},
        }
        await socket.send_json({"op": 2, "d": identify})
        while (await socket.receive_json())["t"] != "READY":
            pass
        await self._call("PUT", f"/applications/{me['id']}/commands", COMMANDS)
        self._reader = asyncio.create_task(self._read(socket))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._reader is not None
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._http.close()

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            payload = json.loads(message.data)
            if payload.get("t") == "INTERACTION_CREATE":
                asked = payload["d"]
                await self._call(
                    "POST", f"/interactions/{asked['id']}/{asked['token']}/callback", self._answer(asked)
                )

    async def _call(self, method: str, path: str, body: object = None) -> Any:
        async with self._http.request(method, f"{self._api}{path}", json=body) as answer:
            text = await answer.text()
            assert answer.status < 400, f"{method} {path}: {text}"
        return json.loads(text) if text else None

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        data = asked["data"]
        match asked["type"]:
            case 4:
                return {"type": CHOICES, "data": {"choices": self._choices(data)}}
            case 3 if data["custom_id"] == "open":
                return {"type": MODAL, "data": FORM}
            case 3:
                said = ", ".join(data.get("values", [])) or data["custom_id"]
                return _said(f"chosen {said}")
            case 5:
                fields = [row["components"][0] for row in data["components"]]
                return _said("; ".join(f"{one['custom_id']}={one['value']}" for one in fields))
        return self._command(data)

    def _choices(self, data: dict[str, Any]) -> list[dict[str, str]]:
        focused = next(one for one in data["options"] if one.get("focused"))
        self.completed.append(focused["value"])
        fitting = [one for one in TUNES if focused["value"].lower() in one.lower()]
        return [{"name": one, "value": f"tune:{one.lower()}"} for one in fitting]

    @staticmethod
    def _command(data: dict[str, Any]) -> dict[str, Any]:
        options = {one["name"]: one["value"] for one in data.get("options", [])}
        match data["name"]:
            case "choose":
                return _said("results", components=[MENU])
            case "several":
                return _said("results", components=[{**MENU, "min_values": 2, "max_values": 3}])
            case "rename":
                return {"type": MODAL, "data": FORM}
        files = data.get("resolved", {}).get("attachments", {}).values()
        names = "".join(f" with {one['filename']} of {one['size']} bytes" for one in files)
        button = {"type": 2, "style": 1, "label": "Open the form", "custom_id": "open"}
        return _said(f"playing {options.get('query')}{names}", components=[button])


def _said(text: str, components: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    rows = [{"type": 1, "components": [one]} for one in components or []]
    return {"type": MESSAGE, "data": {"content": text, "components": rows, "flags": EPHEMERAL}}
