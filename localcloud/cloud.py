"""The whole local cloud as one object: started, used, stopped."""

from __future__ import annotations

import json
import os
import secrets
import select
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trustme

from localcloud.clients import make_client
from localcloud.ministack_hooks import STACKS_ROUTE
from localcloud.peers import SECRET_VARIABLE
from localcloud.processes import command_line, end_session
from localcloud.rekognition import Switches
from localcloud.rekognition.server import SWITCHES_ROUTE
from localcloud.virtual_environment import ensure_virtual_environment, only_one_at_a_time

if TYPE_CHECKING:
    from botocore.config import Config

REPOSITORY = Path(__file__).parent.parent
STATE = REPOSITORY / ".localcloud"
ACCOUNT = "123456789012"
REGION = "us-east-1"
SERVICES = "s3,sts,iam,ssm,ecr,cloudformation,lambda,logs,events,kms,cloudtrail,organizations,scheduler"

_SECONDS_TO_START = 60
_SECONDS_TO_STOP = 10


class CloudError(Exception):
    """The local cloud didn't start, or isn't ready for what was asked; the message says what to do."""


@dataclass(frozen=True)
class Running:
    """What identifies a running cloud, kept in `cloud.json` of its state folder."""

    pid: int
    gateway_port: int
    rekognition_url: str
    secret: str
    """What clients must send."""


class LocalCloud:
    """A local cloud in a process of its own. As a context manager it runs as long as the context.

    It ends with the process that started it, however that ends; a detached one with `stop`.
    Everything it writes is in its state folder; the virtual environment may be shared between several.
    """

    def __init__(self, state: Path = STATE) -> None:
        self.state = state
        self.log = state / "cloud.log"
        """Where everything it says is written."""
        self.authority = state / "tls" / "authority.pem"
        """The certificate that clients must trust."""
        self._record = state / "cloud.json"
        self._process: subprocess.Popen[bytes] | None = None
        self._running: Running | None = None
        self._clients: dict[tuple[object, ...], Any] = {}

    @classmethod
    def attach(cls, state: Path = STATE) -> LocalCloud | None:
        """Return the detached cloud that runs from this state folder, or None."""
        cloud = cls(state)
        try:
            cloud._running = Running(**json.loads(cloud._record.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        return cloud if cloud.is_running else None

    @classmethod
    def attach_or_start(cls, state: Path = STATE) -> LocalCloud:
        """Return the detached cloud that runs from this state folder, after starting it when there is none."""
        _make_private(state)
        with only_one_at_a_time(state / "cloud.lock", "another process, which starts the local cloud"):
            cloud = cls.attach(state)
            if cloud is None:
                cloud = cls(state)
                cloud.start(detached=True)
            return cloud

    def __enter__(self) -> LocalCloud:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, *, detached: bool = False) -> None:
        """Start it: so that it ends when this process does, or detached, so that `attach` finds it again."""
        if self.is_running:
            raise CloudError(f"The local cloud is already running (process {self.pid}).")
        _make_private(self.state)
        python = ensure_virtual_environment(STATE / "venv")
        secret = secrets.token_hex(20)
        self._prepare_folders()
        self._make_certificate()
        ports, report_to = os.pipe()
        command = [str(python), "-m", "localcloud.launcher", "--report-to", str(report_to), self._mark]
        try:
            with self.log.open("wb") as log:
                self._process = subprocess.Popen(
                    command if detached else [*command, "--until-input-ends"],
                    # `-m` finds this package in the working folder: in PYTHONPATH, functions would find it too.
                    cwd=REPOSITORY,
                    env=self._launcher_environment(secret),
                    stdin=subprocess.DEVNULL if detached else subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=[report_to],
                    start_new_session=True,
                )
        finally:
            os.close(report_to)
        try:
            with os.fdopen(ports) as pipe:
                self._await_start(self._process.pid, pipe.fileno(), secret)
        except BaseException:
            end_session(self._process.pid, grace=1)
            self._forget()
            raise
        if detached:
            # Let go of it: Popen complains when it is forgotten while its process still runs.
            self._process.returncode = 0
            self._process = None
            self._record.write_text(json.dumps(asdict(self._known), indent=2))

    def stop(self) -> None:
        """Stop it with every process it started, and remove what it kept; the log stays."""
        # Also when its process is gone: functions may have survived it.
        if self._running is not None and (self.is_running or command_line(self._running.pid) is None):
            end_session(self._running.pid, _SECONDS_TO_STOP)
        self._forget()

    @property
    def is_running(self) -> bool:
        """Whether it runs, and is no other process that was given its number."""
        # By its command line, not by when it began: that changes with the clock, which a suspended machine's does.
        return self._running is not None and self._mark in (command_line(self._running.pid) or [])

    @property
    def _mark(self) -> str:
        """The argument by which its process is known."""
        return f"--state={self.state.resolve()}"

    @property
    def pid(self) -> int:
        """The number of its process, which leads the session of all it starts."""
        return self._known.pid

    @property
    def endpoint_url(self) -> str:
        """Where clients find every service but Rekognition."""
        return f"https://localhost:{self._known.gateway_port}"

    @property
    def rekognition_url(self) -> str:
        """Where clients find Rekognition."""
        return self._known.rekognition_url

    def set_switches(self, **changes: Any) -> Switches:  # noqa: ANN401 - a switch can hold any JSON scalar
        """Set switches by name and return them all; the next request to Rekognition sees them."""
        try:
            with self._request(self.rekognition_url + SWITCHES_ROUTE, "PUT", json.dumps(changes).encode()) as response:
                return Switches(**json.load(response))
        except urllib.error.HTTPError as rejected:
            with rejected:
                raise ValueError(json.load(rejected)["message"]) from rejected

    @contextmanager
    def switched(self, **changes: Any) -> Iterator[Switches]:  # noqa: ANN401 - a switch can hold any JSON scalar
        """Set switches for a while."""
        before = self.set_switches().as_dict()
        try:
            yield self.set_switches(**changes)
        finally:
            self.set_switches(**before)

    def stacks(self) -> list[tuple[str, str, str]]:
        """Return the account, Region and name of every stack that isn't deleted."""
        with self._request(self.endpoint_url + STACKS_ROUTE) as response:
            return [(account, region, name) for account, region, name in json.load(response)]

    def environment(self, account: str = ACCOUNT, region: str = REGION) -> dict[str, str]:
        """Return what to add to a client's environment; `full_environment` also takes away what would be in the way."""
        return {
            SECRET_VARIABLE: self._known.secret,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ENDPOINT_URL_REKOGNITION": self.rekognition_url,
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_SESSION_TOKEN": "",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_CONFIG_FILE": str(self.state / "no-aws-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.state / "no-aws-credentials"),
            "AWS_CA_BUNDLE": str(self.authority),
            "NODE_EXTRA_CA_CERTS": str(self.authority),
            "AWS_EC2_METADATA_DISABLED": "true",
            # A proxy of the user's would be asked for loopback addresses too.
            "NO_PROXY": "localhost,127.0.0.1",
            "no_proxy": "localhost,127.0.0.1",
        }

    def full_environment(
        self, account: str = ACCOUNT, region: str = REGION, base: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Return a whole environment for a client: the base (this process's) without AWS's variables, and this cloud's.

        A profile left in force would win over the access key, or fail because it isn't in the empty configuration.
        """
        kept = {name: value for name, value in (base or os.environ).items() if not name.startswith("AWS_")}
        return {**kept, **self.environment(account, region)}

    def client(self, service: str, account: str = ACCOUNT, region: str = REGION, config: Config | None = None) -> Any:  # noqa: ANN401
        """Return a boto3 client of this cloud, the same one each time, so that it keeps its connection."""
        made = (service, account, region, config)
        if made not in self._clients:
            url = self.rekognition_url if service == "rekognition" else self.endpoint_url
            secret, verify = self._known.secret, str(self.authority)
            self._clients[made] = make_client(service, url, account, region, config, secret, verify)
        return self._clients[made]

    @property
    def _known(self) -> Running:
        if self._running is None:
            raise CloudError("The local cloud is not running.")
        return self._running

    def _prepare_folders(self) -> None:
        for folder in ("tmp", "home"):
            shutil.rmtree(self.state / folder, ignore_errors=True)
            (self.state / folder).mkdir(parents=True)
        for empty in ("no-aws-config", "no-aws-credentials"):
            (self.state / empty).write_text("")

    def _make_certificate(self) -> None:
        """Make a certificate for localhost, by an authority that exists only for it and whose own key isn't kept."""
        folder = self.state / "tls"
        folder.mkdir(exist_ok=True)
        authority = trustme.CA(organization_name="localcloud")
        server = authority.issue_cert("localhost", "*.localhost", "127.0.0.1", common_name="localhost")
        authority.cert_pem.write_to_path(self.authority)
        (folder / "server.pem").write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
        (folder / "server.key").touch(mode=0o600)
        server.private_key_pem.write_to_path(folder / "server.key")

    def _launcher_environment(self, secret: str) -> dict[str, str]:
        """Build the launcher's environment from nothing: functions inherit all of it."""
        authority, temporary = str(self.authority), str(self.state / "tmp")
        return {
            SECRET_VARIABLE: secret,
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.state / "home"),
            "TMPDIR": temporary,
            "LANG": "C.UTF-8",
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "SERVICES": SERVICES,
            "USE_SSL": "1",
            "MINISTACK_SSL_CERT": str(self.state / "tls" / "server.pem"),
            "MINISTACK_SSL_KEY": str(self.state / "tls" / "server.key"),
            "MINISTACK_HOST": "localhost",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "STATE_DIR": temporary,
            "S3_DATA_DIR": str(self.state / "tmp" / "s3"),
            # ministack cleans up containers of its own kind: it must not find the user's.
            "DOCKER_HOST": f"unix://{self.state / 'no-docker.sock'}",
            # What functions trust; ministack would add the public authorities, where it finds any.
            "SSL_CERT_FILE": authority,
            "AWS_CA_BUNDLE": authority,
            "REQUESTS_CA_BUNDLE": authority,
            "NODE_EXTRA_CA_CERTS": authority,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def _await_start(self, pid: int, ports: int, secret: str) -> None:
        ready, _, _ = select.select([ports], [], [], _SECONDS_TO_START)
        report = os.read(ports, 4096) if ready else b""
        if not report:
            raise self._not_started(
                "ended before it said where it listens" if ready else "did not say where it listens"
            )
        self._running = Running(pid, secret=secret, **json.loads(report))
        try:
            # It listens already: this request waits in its queue until it responds.
            self._request(f"{self.endpoint_url}/_ministack/health").close()
        except OSError as problem:
            raise self._not_started(f"did not respond ({problem})") from problem

    def _not_started(self, what: str) -> CloudError:
        last = "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
        return CloudError(f"The local cloud {what}. Its log is {self.log}, and ends:\n{last}")

    def _forget(self) -> None:
        if self._process is not None:
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process.wait()
            self._process = None
        self._running = None
        self._clients.clear()
        self._record.unlink(missing_ok=True)
        for folder in ("tmp", "home", "tls"):
            shutil.rmtree(self.state / folder, ignore_errors=True)

    def _request(self, url: str, method: str = "GET", body: bytes | None = None) -> Any:  # noqa: ANN401 - a response
        context = ssl.create_default_context(cafile=str(self.authority))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        headers = {"User-Agent": f"app/{self._known.secret}"}
        request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310
        return opener.open(request, timeout=_SECONDS_TO_START)


def _make_private(folder: Path) -> None:
    """Make a folder that only its owner can read, write and enter; change it where it exists."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.geteuid():
        raise CloudError(f"The folder {folder} belongs to another user. Choose another one with --state.")
    folder.chmod(0o700)
