"""The fraud desk: takes alerts from their stream and from a webhook, and judges them.

Latency is end to end: from when a transaction happened to when its alert is here.
"""

import csv
import json
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from examples.fraud import driver


@dataclass
class Second:
    """What came within a second: the latencies (ms) of the alerts."""

    latencies_ms: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Judgement:
    """How good the alerts are. Shares are None where there is nothing to judge."""

    alerts: int
    hits: int
    frauds: int

    @property
    def precision(self) -> float | None:
        return self.hits / self.alerts if self.alerts else None

    @property
    def recall(self) -> float | None:
        return self.hits / self.frauds if self.frauds else None


class Desk:
    """Gathers alerts in the background; a repeated one counts once."""

    def __init__(self) -> None:
        self.started = time.time()
        self.alerts: dict[str, int] = {}
        self.called: set[str] = set()
        self.repeated = 0
        self.by_second: dict[int, Second] = defaultdict(Second)
        self._lock = threading.Lock()

    def listen(self) -> str:
        """Take alerts from the webhook from now on; its URL."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _receiver(self))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}/alerts"

    def subscribe(self) -> None:
        """Take alerts from the stream from now on."""
        threading.Thread(target=self._read, daemon=True).start()

    def latencies_ms(self) -> list[int]:
        """The latency of every alert, in order of size."""
        with self._lock:
            return sorted(self.alerts.values())

    def judge(self, labels: Path) -> Judgement:
        """Compare the alerts with the labels that the producer kept aside."""
        with labels.open(newline="") as file:
            frauds = {row[0] for row in csv.reader(file) if row} - {"transaction_id"}
        with self._lock:
            found = set(self.alerts)
        return Judgement(len(found), len(found & frauds), len(frauds))

    def _read(self) -> None:
        for alert, came_ms in driver.alerts():
            happened = datetime.fromisoformat(alert["event_time"])
            latency_ms = came_ms - round(happened.timestamp() * 1_000)
            with self._lock:
                if alert["transaction_id"] in self.alerts:
                    self.repeated += 1
                    continue
                self.alerts[alert["transaction_id"]] = latency_ms
                second = int(came_ms / 1_000 - self.started)
                self.by_second[second].latencies_ms.append(latency_ms)

    def call(self, alerts: Any) -> None:
        """What the webhook brought: an alert or a list of them."""
        with self._lock:
            for alert in alerts if isinstance(alerts, list) else [alerts]:
                self.called.add(alert["transaction_id"])


def percentile(values: list[int], share: float) -> int:
    """Of sorted values the one below which `share` of them lie."""
    return values[min(len(values) - 1, int(len(values) * share))]


def _receiver(desk: Desk) -> type[BaseHTTPRequestHandler]:
    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            desk.call(json.loads(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Receiver
