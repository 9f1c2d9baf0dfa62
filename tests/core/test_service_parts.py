"""Settings, logs, metrics and health that every service shares."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import structlog
from prometheus_client import CollectorRegistry

from segue_core.health import CheckResult, Health, HealthLevel, HealthServer, LoopLag
from segue_core.logging import LogFormat, configure, get_logger
from segue_core.metrics import KNOWN_NAMES, Metrics, ProcessMetrics
from segue_core.settings import BadSettingsError, ServiceSettings, load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each variable arrives; the secret one does not show."""
    monkeypatch.setenv("SEGUE_CLUSTER", "demo")
    monkeypatch.setenv("SEGUE_POD_IP", "127.4.5.6")
    monkeypatch.setenv("SEGUE_REDIS_URL", "redis+cluster://u:topsecret@h:1")
    monkeypatch.setenv("SEGUE_LOG_FORMAT", "json")
    settings = load(ServiceSettings)
    assert (settings.cluster, settings.pod_ip, settings.log_format) == ("demo", "127.4.5.6", LogFormat.JSON)
    assert settings.keys.cluster == "demo"
    assert "topsecret" not in repr(settings)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SEGUE_CLUSTER", "Not A Name"),
        ("SEGUE_POD_IP", "localhost"),
        ("SEGUE_REDIS_URL", "http://u:topsecret@h"),
        ("SEGUE_LOG_LEVEL", "loud"),
        ("SEGUE_LOG_FORMAT", "xml"),
        ("SEGUE_HTTP_PORT", "70000"),
    ],
)
def test_a_bad_value_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    """A service refuses to start, one line a variable, without showing a secret."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadSettingsError) as caught:
        load(ServiceSettings)
    assert str(caught.value).startswith(f"{variable}: ")
    assert "topsecret" not in str(caught.value)


@pytest.fixture
def _quiet() -> Iterator[None]:
    """Give the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


class Wanted:
    """Settings of a log."""

    log_level = "info"
    pod_name = "worker-0"

    def __init__(self, log_format: LogFormat | None) -> None:
        self.log_format = log_format


@pytest.mark.usefixtures("_quiet")
@pytest.mark.parametrize("shape", [LogFormat.JSON, LogFormat.CONSOLE])
def test_no_secret_is_ever_logged(shape: LogFormat) -> None:
    """By name or by shape, nested, in a library's message or a traceback: redacted in every format."""
    out = io.StringIO()
    configure(Wanted(shape), out)
    secret = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE." + "x" * 30
    log = get_logger("t")
    log.info("one", token="hush1", nested={"voice": {"session_id": "hush2"}}, url="redis://u:hush3@h/0")
    log.info("bot", said=f"I am {secret}", path="/api/v10/webhooks/123/" + "hush4" * 10)
    logging.getLogger("library").warning("connecting to %s", "postgresql://u:hush5@h/db")
    try:
        int("redis://u:hush6@h")
    except ValueError:
        log.exception("failed")
    written = out.getvalue()
    assert "hush" not in written
    assert secret not in written
    assert "connecting to" in written
    assert "worker-0" in written


@pytest.mark.usefixtures("_quiet")
def test_in_a_pod_each_line_is_json() -> None:
    """Not a terminal: one JSON object a line, standard library's records included, below the level none."""
    out = io.StringIO()
    configure(Wanted(None), out)
    get_logger("t").info("hello", guild=2**62)
    get_logger("t").debug("not this")
    logging.getLogger("library").info("there")
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["hello", "there"]
    assert (lines[0]["guild"], lines[0]["level"], lines[0]["pod"]) == (2**62, "info", "worker-0")


def test_metrics_keep_to_their_names() -> None:
    """Names begin with segue_ or are those dashboards know; others are refused."""
    metrics = Metrics(CollectorRegistry())
    metrics.counter("segue_things_total", "Things.").inc()
    for name in sorted(KNOWN_NAMES):
        kind: Any = metrics.counter if name.endswith("_total") else metrics.gauge
        kind(name, "Known.")
    with pytest.raises(ValueError, match="segue_"):
        metrics.gauge("things", "Things.")
    with pytest.raises(ValueError, match="_total"):
        metrics.counter("segue_things", "Things.")


@pytest.fixture
async def served() -> AsyncIterator[tuple[Health, str]]:
    """Serve a health and return where."""
    health = Health("worker", "1.2.3")
    registry = CollectorRegistry()
    Metrics(registry).gauge("segue_shards_held", "Shards.").set(3)
    async with HealthServer("127.0.0.1", 0, health, registry) as server:
        yield health, f"http://127.0.0.1:{server.port}"


async def _get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text()


def _says(level: HealthLevel) -> Any:
    return lambda: CheckResult(level=level, detail=level.value)


@pytest.mark.parametrize(
    ("levels", "expected", "status"),
    [
        ([], "healthy", 200),
        ([HealthLevel.HEALTHY, HealthLevel.DEGRADED], "degraded", 200),
        ([HealthLevel.UNHEALTHY, HealthLevel.DEGRADED], "unhealthy", 503),
    ],
)
async def test_health_is_the_worst_of_its_checks(
    served: tuple[Health, str], levels: list[HealthLevel], expected: str, status: int
) -> None:
    """Three levels; only unhealthy is an error to whoever asks."""
    health, url = served
    for number, level in enumerate(levels):
        health.register(f"part-{number}", _says(level))
    code, body = await _get(f"{url}/health")
    shown = json.loads(body)
    assert (code, shown["status"], shown["version"]) == (status, expected, "1.2.3")
    parts = [one["status"] for name, one in shown["checks"].items() if name.startswith("part-")]
    assert parts == [level.value for level in levels]


async def test_readiness_asks_only_its_own_checks(served: tuple[Health, str]) -> None:
    """A shared dependency that is away makes health bad, not readiness; liveness asks nobody."""
    health, url = served
    health.register("postgres", _says(HealthLevel.UNHEALTHY))
    assert (await _get(f"{url}/ready"))[0] == 200
    health.register("gateway", _says(HealthLevel.UNHEALTHY), readiness=True)
    assert (await _get(f"{url}/ready"))[0] == 503
    assert (await _get(f"{url}/live"))[0] == 200
    with pytest.raises(ValueError, match="gateway"):
        health.register("gateway", _says(HealthLevel.HEALTHY))


async def test_a_check_that_fails_is_unhealthy_and_tells_no_secret(served: tuple[Health, str]) -> None:
    """An exception in a check is that check's result; the others are still shown."""
    health, url = served

    def broken() -> CheckResult:
        raise RuntimeError("redis://u:topsecret@h")

    health.register("broken", broken)
    health.register("fine", _says(HealthLevel.HEALTHY))
    code, body = await _get(f"{url}/health")
    assert code == 503
    assert "topsecret" not in body
    assert json.loads(body)["checks"]["fine"]["status"] == "healthy"


async def test_metrics_and_performance_are_served(served: tuple[Health, str]) -> None:
    """Prometheus' text, and figures of the process: loop lag, memory, tasks, uptime."""
    _, url = served
    code, body = await _get(f"{url}/metrics")
    assert code == 200
    assert "segue_shards_held 3.0" in body
    code, body = await _get(f"{url}/performance")
    shown = json.loads(body)
    assert code == 200
    assert shown["rss_bytes"] > 10_000_000
    assert shown["tasks"] >= 1
    assert shown["uptime_s"] >= 0
    assert set(shown["loop_lag_ms"]) == {"last", "p50", "p99", "max"}


async def test_a_services_loop_and_tasks_are_measured() -> None:
    """Lag of the loop is a histogram, tasks a gauge; both are fresh when they are asked for."""
    registry = CollectorRegistry()
    process = ProcessMetrics(Metrics(registry))
    asleep = asyncio.create_task(asyncio.sleep(60))
    async with HealthServer("127.0.0.1", 0, Health("worker", "1"), registry, process) as server:
        url = f"http://127.0.0.1:{server.port}/metrics"
        async with asyncio.timeout(10):
            while not _sample(text := (await _get(url))[1], "segue_loop_lag_seconds_count"):  # noqa: ASYNC110 - another thread of control samples
                await asyncio.sleep(0.05)
        with_one = _sample(text, "segue_tasks")
        asleep.cancel()
        await asyncio.gather(asleep, return_exceptions=True)
        assert with_one is not None
        assert _sample((await _get(url))[1], "segue_tasks") == with_one - 1


def _sample(text: str, name: str) -> float | None:
    found = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(found[0]) if found else None


def test_a_loop_that_is_late_degrades_health() -> None:
    """A single hiccup of a minute is none; a loop that is late all the time is, with what to do about it."""
    told: list[float] = []
    lag = LoopLag(told.append)
    for number in range(500):
        lag.note(2.0 if number == 7 else 0.001)
    assert lag.check().level is HealthLevel.HEALTHY
    for _ in range(20):
        lag.note(0.4)
    found = lag.check()
    assert found.level is HealthLevel.DEGRADED
    assert "400 ms late" in found.detail
    assert len(told) == 520


async def test_a_taken_port_is_an_error_not_silence(served: tuple[Health, str]) -> None:
    """Two services at one address: the second does not start."""
    health, url = served
    with pytest.raises(OSError, match="address already in use"):
        await HealthServer("127.0.0.1", int(url.rpartition(":")[2]), health).start()
