"""The functions that are compared: their code, as the CDK packages it, and the containers that run it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme

from benchmarks.samples import HERE, WORK, project_arn, trusted_account
from benchmarks.synthesis import synthesize, template_of
from localcloud.rekognition import AwsError, RekognitionService, RootKeys, Switches
from localcloud.rekognition import Request as ServiceRequest
from localcloud.rekognition.errors import ConnectionDroppedError
from tests.container.container import FUNCTION_ARN, Container, python_command
from tests.endpoint import Endpoint, Reply, Request, ResponseEndpoint

OURS, AWS_CUSTOM_RESOURCE, PROVIDER, HELPER = "this project", "`AwsCustomResource`", "`Provider`", "crhelper"
HELPER_WITH_RETRIES = "crhelper, 12 attempts"
TIMEOUT = 120.0
"""Seconds that a function may run: more than any needs, and little enough that crhelper doesn't sleep in a Delete."""


@dataclass(frozen=True)
class Function:
    """One way to have a project policy in a stack, or a part of it."""

    title: str
    folder: Path
    handler: str
    memory: int
    """MiB, as it is deployed."""
    sample: str = ""
    """The ResourceProperties of the policy that apps.py makes first, as JSON."""
    behind: Function | None = None
    """The function that this one invokes."""

    @property
    def is_python(self) -> bool:
        """Whether it is a Python function."""
        return (self.folder / self.handler).with_suffix(".py").exists()

    def properties(self, project: str, name: str, account: str) -> dict[str, object]:
        """Return the same properties for another project, name and trusted account."""
        digest = hashlib.sha256(f"{project}{account}".encode()).hexdigest()[:8]
        said = self.sample.replace(project_arn(0), project).replace(trusted_account(0), account)
        said = re.sub(r"sharing-0(-[0-9a-f]{8})?", lambda found: f"{name}-{digest}" if found[1] else name, said)
        properties: dict[str, object] = json.loads(said)
        return properties


def make_functions() -> list[Function]:
    """Package all of them."""
    folder = WORK / "functions"
    shutil.rmtree(folder, ignore_errors=True)
    peers = shutil.copytree(HERE / "peers", folder / "peers")
    shutil.copytree(_package("crhelper"), peers / "crhelper", ignore=shutil.ignore_patterns("__pycache__"))
    framework = _deployed(PROVIDER, "provider", "framework.onEvent")
    # Neither template says how much memory the peers' own Python functions have, so they have Lambda's default.
    behind = Function(PROVIDER, peers, "provider.on_event", 128)
    return [
        _deployed(OURS, "ours", "index.handler"),
        _deployed(AWS_CUSTOM_RESOURCE, "aws_custom_resource", "index.handler"),
        replace(framework, behind=behind),
        Function(HELPER, peers, "helper.handler", 128, framework.sample),
        Function(HELPER_WITH_RETRIES, peers, "helper_with_retries.handler", 128, framework.sample),
    ]


def _deployed(title: str, kind: str, handler: str) -> Function:
    """Synthesize one policy; return the function of its stack that has this handler."""
    out = synthesize(kind, 1, WORK / "functions" / kind)
    resources = [each.get("Properties", {}) for each in template_of(out)["Resources"].values()]
    (function,) = (each for each in resources if each.get("Handler") == handler)
    (policy,) = (each for each in resources if "ServiceToken" in each)
    asset = out / f"asset.{function['Code']['S3Key'].removesuffix('.zip')}"
    return Function(title, asset, handler, function.get("MemorySize", 128), json.dumps(policy))


class Lambda:
    """The newest runtimes of this machine, and on loopback, with TLS, what functions call."""

    def __init__(self) -> None:
        self.rekognition = RekognitionService(Switches(projects_per_account=1000), time.time, RootKeys())
        self._ca = authority = trustme.CA()
        self.cloudformation = ResponseEndpoint(authority)
        self._endpoint = Endpoint(self._call, authority)
        self.python = newest_python()
        self._packages = WORK / f"runtime-{self.python.name}"
        _install_runtime(self.python, self._packages)
        # Node.js has its authorities built in. Python reads the same ones from a file, so that both check equally many.
        self._folder = TemporaryDirectory()
        self._authorities, self._authority = (Path(self._folder.name, f"{name}.pem") for name in ("all", "own"))
        script = "process.stdout.write(require('tls').rootCertificates.join('\\n'))"
        built_in = subprocess.run(["node", "-e", script], check=True, capture_output=True, text=True).stdout
        authority.cert_pem.write_to_path(str(self._authority))
        self._authorities.write_text(f"{built_in}\n{self._authority.read_text()}")

    def __enter__(self) -> Lambda:
        return self

    def __exit__(self, *_: object) -> None:
        self._endpoint.close()
        self.cloudformation.close()
        self._folder.cleanup()

    def start(self, function: Function, started: Callable[[Container], None] = lambda _: None) -> Container:
        """Start a function, and the one behind it at its first event; ``started`` is told of that one's start."""
        variables = {
            "AWS_ENDPOINT_URL_REKOGNITION": self._endpoint.url,
            "SSL_CERT_FILE": str(self._authorities),
            "AWS_CA_BUNDLE": str(self._authorities),
            "NODE_EXTRA_CA_CERTS": str(self._authority),
            "BENCHMARK_RESPONSE_PORT": str(self.cloudformation.server_address[1]),
        }
        if function.is_python:
            command = python_command(function.handler, self.python)
            # As in Lambda, boto3 is compiled, and the function's own code isn't and can't be.
            variables |= {"PYTHONPATH": str(self._packages), "PYTHONDONTWRITEBYTECODE": "1"}
        else:
            command = ["node", HERE / "launch.cjs", function.handler]
            variables["NODE_PATH"] = str(WORK / "node" / "node_modules")
        container_over = ExitStack()
        if function.behind is not None:
            invoke = self._invoke(function.behind, started, container_over)
            variables |= {"USER_ON_EVENT_FUNCTION_ARN": FUNCTION_ARN, "AWS_ENDPOINT_URL_LAMBDA": invoke.url}
        container = Container(command, function.folder, variables, lambda _: None)
        container.over.push(container_over)
        return container

    def _invoke(self, function: Function, started: Callable[[Container], None], over: ExitStack) -> Endpoint:
        """Return Lambda's Invoke of a function, which the first call starts."""
        containers: list[Container] = []

        def invoke(request: Request) -> Reply:
            if not containers:
                containers.append(self.start(function))
                over.callback(containers[0].kill)
                containers[0].initialize()
                started(containers[0])
            outcome = containers[0].invoke("behind", json.loads(request.body), TIMEOUT)
            if outcome.kind not in ("success", "error"):
                containers.clear()
            headers = {} if outcome.kind == "success" else {"X-Amz-Function-Error": "Unhandled"}
            return Reply(200, outcome.told.encode(), headers)

        endpoint = Endpoint(invoke, self._ca)
        over.callback(endpoint.close)
        return endpoint

    def _call(self, request: Request) -> Reply | None:
        """Act as Rekognition."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            return Reply(200, json.dumps(self.rekognition.respond(ServiceRequest(headers, request.body))).encode())
        except AwsError as error:
            body = {"__type": error.code, "message": error.message}
            return Reply(error.status, json.dumps(body).encode(), {"x-amzn-errortype": error.code})
        except ConnectionDroppedError:
            return None


def newest_python() -> Path:
    """Return the newest supported Python of this machine: those on the path, and pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    folders = [*sorted(pyenv.glob("3.*/bin")), *map(Path, os.environ["PATH"].split(os.pathsep))]
    for minor in range(14, 9, -1):
        for python in (folder / f"python3.{minor}" for folder in folders):
            with suppress(OSError, subprocess.CalledProcessError):
                subprocess.run([python, "-c", ""], check=True, capture_output=True)
                return python
    return Path(sys.executable)


def _install_runtime(python: Path, folder: Path) -> None:
    """Install what Lambda's runtime of a Python brings along, compiled by it, unless it is there."""
    wanted = [f"{name}=={version(name)}" for name in ("boto3", "botocore", "awslambdaric")]
    stamp = folder / "stamp"
    if stamp.exists() and stamp.read_text() == str(wanted):
        return
    shutil.rmtree(folder, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--only-binary", ":all:"]
    target = ["--target", str(folder), "--python-version", python.name.removeprefix("python")]
    subprocess.run([*pip, *target, *wanted], check=True)
    subprocess.run([python, "-m", "compileall", "-q", folder], check=True)
    stamp.write_text(str(wanted))


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ImportError(f"{name} is not installed.")
    return Path(spec.origin).parent
