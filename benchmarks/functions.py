"""The function of this project and those of its peers: how each is started, and what it is sent."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from benchmarks.assets import Assets
from benchmarks.cloudformation import CloudFormation
from benchmarks.invoke import InvokeEndpoint
from benchmarks.places import ACCOUNT, HERE, REGION, WORK
from benchmarks.processes import FunctionProcess
from benchmarks.runtime import make_runtime

TIMEOUTS = {"ours": 480, "aws_custom_resource": 120, "provider": 900, "helper": 120}
"""What the templates give; crhelper's README gives none, and with more than 135 s it would sleep through a Delete."""

MEMORY = "256"


class Running(Protocol):
    """What runs for one function: one process, or two where a framework's function calls the user's."""

    started: float

    def wait_until_ready(self) -> float:
        """Wait until the function that gets the events is imported."""
        ...

    def send(self, event: Mapping[str, Any]) -> float:
        """Hand over an event; return when."""
        ...

    def wait_until_done(self) -> dict[str, Any]:
        """Wait until the handler has returned or raised."""
        ...

    @property
    def peak_memory(self) -> int:
        """Bytes, at the most."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...

    def end(self) -> None:
        """End it, and forget it."""
        ...


class World:
    """What every function finds around it: Rekognition, the answer endpoint, certificates, the runtimes."""

    def __init__(self, assets: Assets, rekognition_url: str, cloudformation: CloudFormation) -> None:
        self.assets = assets
        self.cloudformation = cloudformation
        self._rekognition_url = rekognition_url
        self._node_modules = WORK / "node" / "node_modules"
        self.folder = WORK / "world"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.runtime = make_runtime(self.folder / "runtime")
        self._authority = cloudformation.trust(self.folder)

    @cached_property
    def node_authorities(self) -> list[str]:
        """The authorities that Node.js has built in."""
        script = "process.stdout.write(JSON.stringify(require('tls').rootCertificates))"
        listed = subprocess.run(["node", "-e", script], check=True, capture_output=True, text=True).stdout
        authorities: list[str] = json.loads(listed)
        return authorities

    @cached_property
    def certificates(self) -> Path:
        """The same authorities as a file for Python, and this run's own, so that both sides read equally many."""
        bundle = self.folder / "authorities.pem"
        bundle.write_text("\n".join([*self.node_authorities, self._authority.read_text()]))
        ssl.create_default_context(cafile=str(bundle))
        return bundle

    def python(self, key: str, root: Path, handler: str) -> FunctionProcess:
        """Start a Python function; -S, so that it finds its asset and the runtime, and nothing else."""
        launcher = HERE / "launchers" / "launch.py"
        return FunctionProcess([sys.executable, "-S", launcher, handler], root, self.python_environment(key))

    def python_environment(self, key: str) -> dict[str, str]:
        """Return what a Python function finds in its environment."""
        return {
            **self._environment(key),
            "PYTHONPATH": str(self.runtime),
            # As in Lambda, whose runtime is compiled beforehand and where nothing can be written beside a function.
            "PYTHONDONTWRITEBYTECODE": "1",
            "SSL_CERT_FILE": str(self.certificates),
        }

    def node(self, key: str, root: Path, handler: str, **more: str) -> FunctionProcess:
        """Start a Node.js function; the SDK is found as in Lambda, by NODE_PATH."""
        environment = {
            **self._environment(key),
            "NODE_PATH": str(self._node_modules),
            "NODE_EXTRA_CA_CERTS": str(self._authority),
            "BENCHMARK_ANSWER_PORT": str(self.cloudformation.port),
            **more,
        }
        return FunctionProcess(["node", HERE / "launchers" / "launch.cjs", handler], root, environment)

    def _environment(self, key: str) -> dict[str, str]:
        """Return what Lambda sets, and nothing of this process's own environment but its PATH."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "AWS_LAMBDA_FUNCTION_NAME": key,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": MEMORY,
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{key}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_SESSION_TOKEN": "token",
            "AWS_ENDPOINT_URL_REKOGNITION": self._rekognition_url,
            "BENCHMARK_FUNCTION_ARN": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{key}",
            "BENCHMARK_TIMEOUT": str(TIMEOUTS[key]),
        }


@dataclass(frozen=True)
class Function:
    """One way to have a project policy in a stack."""

    key: str
    title: str

    def start(self, world: World) -> Running:
        """Start a new process for it."""
        match self.key:
            case "ours":
                return world.python(self.key, world.assets.ours, "index.handler")
            case "helper":
                return world.python(self.key, world.assets.helper, "index.handler")
            case "aws_custom_resource":
                return world.node(self.key, world.assets.aws_custom_resource, "index.handler")
        return ProviderRunning(world)

    def asset(self, assets: Assets) -> list[Path]:
        """Return the folders of its code."""
        match self.key:
            case "ours":
                return [assets.ours]
            case "helper":
                return [assets.helper]
            case "aws_custom_resource":
                return [assets.aws_custom_resource]
        return [assets.framework, assets.on_event]

    def properties(self, assets: Assets, project_arn: str, name: str, said: Mapping[str, Any]) -> dict[str, Any]:
        """Return the ResourceProperties for a policy, as this way's templates have them."""
        token = {"ServiceToken": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.key}"}
        if self.key != "aws_custom_resource":
            return {**token, "ProjectArn": project_arn, "PolicyName": name, "PolicyDocument": dict(said)}
        there = {"ProjectArn": project_arn, "PolicyName": name, "PolicyDocument": json.dumps(said)}
        calls = {request: json.loads(call) for request, call in assets.calls.items()}
        for call in calls.values():
            call["parameters"] |= {key: value for key, value in there.items() if key in call["parameters"]}
        return {
            **token,
            **{request: json.dumps(call) for request, call in calls.items()},
            "InstallLatestAwsSdk": "false",
        }


class ProviderRunning:
    """The framework's function, and the user's, which is started when the framework first invokes it."""

    def __init__(self, world: World) -> None:
        self._invoke = InvokeEndpoint(lambda: world.python("provider", world.assets.on_event, "index.on_event"))
        self._framework = world.node(
            "provider",
            world.assets.framework,
            "framework.onEvent",
            AWS_ENDPOINT_URL_LAMBDA=self._invoke.url,
            USER_ON_EVENT_FUNCTION_ARN=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:on-event",
        )
        self.started = self._framework.started

    def wait_until_ready(self) -> float:
        """Wait for the framework's function."""
        return self._framework.wait_until_ready()

    def send(self, event: Mapping[str, Any]) -> float:
        """Hand the framework's function an event; return when."""
        return self._framework.send(event)

    def wait_until_done(self) -> dict[str, Any]:
        """Wait for the framework's function."""
        return self._framework.wait_until_done()

    @property
    def peak_memory(self) -> int:
        """Bytes of both, at the most."""
        return self._framework.peak_memory + self._invoke.peak_memory

    def kill(self) -> None:
        """End the framework's process at once."""
        self._framework.kill()

    def end(self) -> None:
        """End both."""
        self._framework.end()
        self._invoke.close()


OURS = Function("ours", "this project")
AWS_CUSTOM_RESOURCE = Function("aws_custom_resource", "`AwsCustomResource`")
PROVIDER = Function("provider", "`Provider`, Python")
HELPER = Function("helper", "crhelper's README")
FUNCTIONS = (OURS, AWS_CUSTOM_RESOURCE, PROVIDER, HELPER)
