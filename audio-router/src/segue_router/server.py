"""The gRPC server: the service's calls on the wire, with health and reflection beside them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from segue_core.logging import get_logger
from segue_protos.router.v1 import router_pb2
from segue_router.service import Rejection, rejection_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

    from segue_router.metrics import RouterMetrics
    from segue_router.service import RouterService

log = get_logger(__name__)

SERVICE = router_pb2.DESCRIPTOR.services_by_name["AudioRouter"].full_name
MAX_REQUEST_BYTES = 786_432
"""Above the largest valid request: 1,024 players with endpoints of 255 characters and a tier's name, and
512 node names of 253."""

_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_REQUEST_BYTES),
    ("grpc.so_reuseport", 0),
    # Watchers behind a dead link are noticed, and theirs may ping as often as they are told to.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
)

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)


class Undecodable:
    """Stands for a request whose bytes are no such message."""


class Lenient(Generic[Request]):
    """Decodes a request, or says that it cannot be: gRPC itself would blame the server (INTERNAL)."""

    def __init__(self, kind: type[Request]) -> None:
        self._kind = kind

    def __call__(self, data: bytes) -> Request | Undecodable:
        """Decode."""
        try:
            return self._kind.FromString(data)
        except DecodeError:
            return Undecodable()


class RouterServer:
    """Listens, answers, drains."""

    def __init__(self, service: RouterService, metrics: RouterMetrics, address: str) -> None:
        """``address`` is host:port; port 0 picks a free one, see :attr:`port`."""
        self._service = service
        self._metrics = metrics
        self._address = address
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined]
        self._server = grpc.aio.server(options=_OPTIONS)
        self._serving = False
        self.port = 0

    async def start(self) -> None:
        """Listen; not serving by the health service until told.

        Raises:
            RuntimeError: when the address cannot be listened on.
        """
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(SERVICE, self._handlers()),)
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
        await self._tell(serving=False)
        self.port = self._server.add_insecure_port(self._address)
        await self._server.start()

    async def serving(self, *, serving: bool) -> None:
        """Tell the health service, if it is news."""
        if serving != self._serving:
            await self._tell(serving=serving)
            log.info("serving" if serving else "not serving")

    async def stop(self, grace_s: float) -> None:
        """Say that we go, end the streams, let calls in flight finish for ``grace_s`` at most, stop."""
        await self._health.enter_graceful_shutdown()
        self._service.drain()
        await self._server.stop(grace_s)

    async def _tell(self, *, serving: bool) -> None:
        self._serving = serving
        states = health_pb2.HealthCheckResponse
        state = states.SERVING if serving else states.NOT_SERVING
        for name in ("", SERVICE):
            await self._health.set(name, state)

    def _handlers(self) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
        service = self._service
        return {
            "Place": self._unary("Place", service.place, router_pb2.PlaceRequest),
            "Replace": self._unary("Replace", service.replace, router_pb2.ReplaceRequest),
            "Cordon": self._unary("Cordon", service.cordon, router_pb2.CordonRequest),
            "Uncordon": self._unary("Uncordon", service.uncordon, router_pb2.UncordonRequest),
            "Drain": self._unary("Drain", service.drain_node, router_pb2.DrainRequest),
            "Release": self._unary("Release", service.release, router_pb2.ReleaseRequest),
            "ListNodes": self._unary("ListNodes", service.list_nodes, router_pb2.ListNodesRequest),
            "Watch": self._stream("Watch", service.watch, router_pb2.WatchRequest),
        }

    def _unary(
        self, name: str, call: Callable[[Request], Awaitable[Response]], kind: type[Request]
    ) -> grpc.RpcMethodHandler[Any, Any]:
        answered = self._metrics.requests.labels(name, grpc.StatusCode.OK.name)

        async def handle(
            request: Request | Undecodable, context: grpc.aio.ServicerContext[Any, Any]
        ) -> Response:
            try:
                response = await call(_decoded(request, kind))
            except Exception as error:  # noqa: BLE001 - mapped to a status, logged if unforeseen
                await self._reject(name, error, context)
            answered.inc()
            return response

        return grpc.unary_unary_rpc_method_handler(
            handle, request_deserializer=Lenient(kind), response_serializer=_serialized
        )

    def _stream(
        self, name: str, call: Callable[[Request], AsyncGenerator[Response, None]], kind: type[Request]
    ) -> grpc.RpcMethodHandler[Any, Any]:
        async def handle(
            request: Request | Undecodable, context: grpc.aio.ServicerContext[Any, Any]
        ) -> AsyncIterator[Response]:
            try:
                async with contextlib.aclosing(call(_decoded(request, kind))) as responses:
                    async for response in responses:
                        yield response
            except Exception as error:  # noqa: BLE001 - as above
                await self._reject(name, error, context)

        return grpc.unary_stream_rpc_method_handler(
            handle, request_deserializer=Lenient(kind), response_serializer=_serialized
        )

    async def _reject(
        self, name: str, error: Exception, context: grpc.aio.ServicerContext[Any, Any]
    ) -> NoReturn:
        rejection = rejection_of(error)
        if rejection is None:
            log.error("a call failed in a way nobody foresaw", method=name, exc_info=error)
            rejection = Rejection(grpc.StatusCode.INTERNAL, "the router failed; its log says how")
        self._metrics.requests.labels(name, rejection.code.name).inc()
        await context.abort(rejection.code, rejection.detail)
        raise asyncio.CancelledError  # abort() has ended the call; it never returns


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()


def _decoded(request: Request | Undecodable, kind: type[Request]) -> Request:
    if isinstance(request, Undecodable):
        raise Rejection(
            grpc.StatusCode.INVALID_ARGUMENT,
            f"the request's bytes are no {kind.DESCRIPTOR.full_name}: "
            "a field has another wire type or is cut off",
        )
    return request
