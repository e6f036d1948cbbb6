"""The service as a context manager, for tests and for the launcher of the whole local cloud."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from localcloud.clients import isolated_session
from localcloud.rekognition.authorisation import Authoriser, RootKeys
from localcloud.rekognition.faults import Faults
from localcloud.rekognition.server import RekognitionServer
from localcloud.rekognition.service import RekognitionService
from localcloud.rekognition.store import Store
from localcloud.rekognition.switches import Switches

if TYPE_CHECKING:
    from botocore.config import Config
    from mypy_boto3_rekognition import RekognitionClient


class LocalRekognition:
    """Rekognition's projects, versions and project policies on loopback, while the context lasts."""

    def __init__(
        self,
        switches: Switches | None = None,
        clock: Callable[[], float] = time.time,
        authoriser: Authoriser | None = None,
        secret: str | None = None,
    ) -> None:
        """Start nothing yet. With a secret, only clients that send it are heard (see `localcloud.peers`)."""
        self._secret = secret
        self._service = RekognitionService(switches or Switches(), clock, authoriser or RootKeys())
        self._server = RekognitionServer(self._service, secret)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> LocalRekognition:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more, and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def endpoint_url(self) -> str:
        """Where clients find it: what belongs in AWS_ENDPOINT_URL_REKOGNITION."""
        return self._server.url

    @property
    def switches(self) -> Switches:
        """What is unknown of the real service; may be changed at any time."""
        return self._service.switches

    @property
    def store(self) -> Store:
        """The state itself, for arranging and looking without requests."""
        return self._service.store

    @property
    def faults(self) -> Faults:
        """Trouble on purpose."""
        return self._service.faults

    @property
    def calls(self) -> list[tuple[str, dict[str, Any]]]:
        """Every well-formed request so far, refused ones and repeats among them: the operation and its parameters."""
        return self._service.calls

    def client(
        self, account: str = "123456789012", region: str = "us-east-1", config: Config | None = None
    ) -> RekognitionClient:
        """Make a boto3 client for an account and Region; without a config it tries each request only once."""
        session = isolated_session(account, region, self._secret)
        return cast("RekognitionClient", session.client("rekognition", endpoint_url=self.endpoint_url, config=config))
