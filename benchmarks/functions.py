"""The functions that are compared: their code, as the CDK packages it, and the processes that run it as Lambda does."""

from __future__ import annotations

import compileall
import io
import json
import os
import select
import shutil
import subprocess
import sys
import sysconfig
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, cast

from benchmarks.endpoints import CloudFormation, Invoke
from benchmarks.samples import ACCOUNT, HERE, REGION, WORK, project_arn, trusted_account
from benchmarks.synthesis import synthesize, template_of

OURS, AWS_CUSTOM_RESOURCE, PROVIDER, README = (
    "this project",
    "`AwsCustomResource`",
    "`Provider`, Python",
    "crhelper's README",
)
TIMEOUTS = {OURS: 480, AWS_CUSTOM_RESOURCE: 120, PROVIDER: 900, README: 120}
"""Seconds, as the templates have them. crhelper's README has none; with more than 135 s it sleeps during a Delete."""
TRIES = 3
"""How often Lambda delivers an event whose function raises or ends, and CloudFormation a cleanup's Delete."""
_PATIENCE = 150.0


class FunctionEnded(Exception):
    """The process ended before it reported what it was asked to do."""


class Process:
    """A process with one function; ``behind`` is the function that this one invokes."""

    def __init__(
        self, command: Sequence[str | Path], code: Path, environment: Mapping[str, str], behind: Invoke | None = None
    ) -> None:
        reports, report_to = os.pipe()
        self.started = time.monotonic()
        # What a function prints may hold a signed URL, so nothing keeps it.
        self._process = subprocess.Popen(
            [*command, str(report_to)],
            cwd=code,
            env={**environment, "LAMBDA_TASK_ROOT": str(code)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[report_to],
        )
        os.close(report_to)
        self._events = cast("IO[bytes]", self._process.stdin)
        self._reports = os.fdopen(reports, "rb")
        self._behind = behind

    def wait_until_ready(self) -> None:
        """Wait until the function is imported."""
        self._next_report()

    def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Hand the function an event; return its ``result`` or the ``error`` it raised."""
        try:
            self._events.write(json.dumps(event).encode() + b"\n")
            self._events.flush()
        except BrokenPipeError:
            raise FunctionEnded from None
        return self._next_report()

    @property
    def peak_memory(self) -> int:
        """Bytes of resident memory at the peak, the function behind included."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        own = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
        return own + (self._behind.process.peak_memory if self._behind and self._behind.process else 0)

    def kill(self) -> None:
        """End the process in the middle of what it does."""
        self._process.kill()

    def end(self) -> None:
        """End the process, and the function behind."""
        self._process.kill()
        self._process.wait()
        with suppress(BrokenPipeError):
            self._events.close()
        self._reports.close()
        if self._behind:
            self._behind.close()

    def _next_report(self) -> dict[str, Any]:
        ready, _, _ = select.select([self._reports], [], [], _PATIENCE)
        line = self._reports.readline() if ready else b""
        if not line:
            raise FunctionEnded("The process ended" if ready else f"The process reported nothing for {_PATIENCE} s")
        report: dict[str, Any] = json.loads(line)
        return report


@dataclass(frozen=True)
class Function:
    """One way to have a project policy in a stack."""

    title: str
    code: Sequence[Path]
    start: Callable[[], Process]
    template: str
    """The ResourceProperties of the policy that apps.py makes first, as JSON."""

    def properties(self, project: str, name: str, number: int) -> dict[str, Any]:
        """Return the same properties for another project, name and document."""
        changes = {project_arn(0): project, "sharing-0": name, trusted_account(0): trusted_account(number)}
        said = self.template
        for old, new in changes.items():
            said = said.replace(old, new)
        properties: dict[str, Any] = json.loads(said)
        return properties

    @property
    def zipped(self) -> int:
        """Bytes of the code as the smallest zip that zlib makes."""
        size = 0
        for folder in self.code:
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
                for path in sorted(folder.rglob("*")):
                    if path.is_file() and "__pycache__" not in path.parts:
                        archive.write(path, path.relative_to(folder))
            size += len(buffer.getvalue())
        return size


def make_functions(rekognition_url: str, cloudformation: CloudFormation) -> list[Function]:
    """Package all four."""
    folder = WORK / "functions"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ours, ours_template = _synthesized("ours", "index.handler")
    node, node_template = _synthesized("aws_custom_resource", "index.handler")
    framework, template = _synthesized("provider", "framework.onEvent")
    on_event = HERE / "peers" / "provider"
    readme = shutil.copytree(HERE / "peers" / "helper", folder / "helper")
    shutil.copytree(_package("crhelper"), readme / "crhelper", ignore=shutil.ignore_patterns("__pycache__"))
    lambda_ = _Lambda(rekognition_url, cloudformation, folder)

    def start_provider() -> Process:
        invoke = Invoke(lambda: lambda_.python(PROVIDER, on_event, "index.on_event"))
        return lambda_.node(PROVIDER, framework, "framework.onEvent", invoke)

    def start_node() -> Process:
        return lambda_.node(AWS_CUSTOM_RESOURCE, node, "index.handler")

    return [
        Function(OURS, [ours], lambda: lambda_.python(OURS, ours, "index.handler"), ours_template),
        Function(AWS_CUSTOM_RESOURCE, [node], start_node, node_template),
        Function(PROVIDER, [framework, on_event], start_provider, template),
        Function(README, [readme], lambda: lambda_.python(README, readme, "index.handler"), template),
    ]


def _synthesized(kind: str, handler: str) -> tuple[Path, str]:
    """Synthesize one policy; return the folder of the function with this handler, and the policy's properties."""
    out = synthesize(kind, 1, 1, WORK / "functions" / kind)
    resources = template_of(out)["Resources"].values()
    (asset,) = {
        properties["Code"]["S3Key"].removesuffix(".zip")
        for resource in resources
        if (properties := resource.get("Properties", {})).get("Handler") == handler
    }
    (policy,) = (json.dumps(each["Properties"]) for each in resources if "ServiceToken" in each.get("Properties", {}))
    return out / f"asset.{asset}", policy


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ImportError(f"{name} is not installed.")
    return Path(spec.origin).parent


class _Lambda:
    """Starts processes with what they find in Lambda: the SDKs, certificates and environment variables."""

    def __init__(self, rekognition_url: str, cloudformation: CloudFormation, folder: Path) -> None:
        self._rekognition_url = rekognition_url
        self._response_port = str(cloudformation.port)
        self._folder = folder
        self._authority = folder / "authority.pem"
        cloudformation.authority.cert_pem.write_to_path(str(self._authority))
        # Node.js has its authorities built in. Python reads the same ones from a file, so that both check equally many.
        script = "process.stdout.write(require('tls').rootCertificates.join('\\n'))"
        built_in = subprocess.run(["node", "-e", script], check=True, capture_output=True, text=True).stdout
        self._authorities = folder / "authorities.pem"
        self._authorities.write_text(f"{built_in}\n{self._authority.read_text()}")
        # As in Lambda, boto3 is compiled, and the function's own code isn't and can't be.
        for package in ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3"):
            compileall.compile_dir(_package(package), quiet=1)

    def python(self, title: str, code: Path, handler: str) -> Process:
        """Start a Python function; -S, because Lambda's runtime has no virtual environment to look for."""
        environment = {
            **self._environment(title),
            "PYTHONPATH": sysconfig.get_path("purelib"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SSL_CERT_FILE": str(self._authorities),
        }
        return Process([sys.executable, "-S", HERE / "launch.py", handler], code, environment)

    def node(self, title: str, code: Path, handler: str, behind: Invoke | None = None) -> Process:
        """Start a Node.js function."""
        environment = {
            **self._environment(title),
            "NODE_PATH": str(WORK / "node" / "node_modules"),
            "NODE_EXTRA_CA_CERTS": str(self._authority),
            "BENCHMARK_RESPONSE_PORT": self._response_port,
        }
        if behind:
            environment["USER_ON_EVENT_FUNCTION_ARN"] = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:on-event"
            environment["AWS_ENDPOINT_URL_LAMBDA"] = behind.url
        return Process(["node", HERE / "launch.cjs", handler], code, environment, behind)

    def _environment(self, title: str) -> dict[str, str]:
        """Return what Lambda sets, and of this process's own environment only PATH."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "AWS_LAMBDA_FUNCTION_NAME": "function",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/function",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_SESSION_TOKEN": "token",
            "AWS_ENDPOINT_URL_REKOGNITION": self._rekognition_url,
            "BENCHMARK_FUNCTION_ARN": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:function",
            "BENCHMARK_TIMEOUT": str(TIMEOUTS[title]),
        }
