"""The local cloud's process: `python -m localcloud.launcher`, in its own virtual environment, started by `LocalCloud`.

Both servers bind free ports of 127.0.0.1 themselves and report them: no port is ever guessed, or lost to another.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import ssl
import sys
import threading
from typing import Any

from localcloud import ministack_hooks
from localcloud.peers import IDLE_SECONDS, SECRET_VARIABLE, listen
from localcloud.project_type import ProjectType
from localcloud.rekognition import LocalRekognition

_SECONDS_TO_STOP = 5.0


def main() -> None:
    """Run the local cloud until it is asked to stop, or until the process that started it is gone."""
    parser = argparse.ArgumentParser(prog="localcloud.launcher", description=__doc__)
    parser.add_argument("--report-to", type=int, required=True, help="a file descriptor that takes the ports as JSON")
    parser.add_argument("--until-input-ends", action="store_true", help="stop when standard input ends")
    parser.add_argument("--state", required=True, help="its state folder, by which LocalCloud knows its process")
    options = parser.parse_args()
    secret = os.environ[SECRET_VARIABLE]
    gateway = listen()  # clients wait from here on, rather than being rejected
    # Before the first import of ministack, which reads it then.
    os.environ["GATEWAY_PORT"] = str(gateway.getsockname()[1])
    with LocalRekognition(authorizer=ministack_hooks.MinistackAuthorizer(), secret=secret) as rekognition:
        # Functions inherit it.
        os.environ["AWS_ENDPOINT_URL_REKOGNITION"] = rekognition.endpoint_url
        ministack_hooks.register_project_type(ProjectType(rekognition.store))
        ministack_hooks.date_response_urls()
        ministack_hooks.name_roles_in_conditions()
        ministack_hooks.keep_what_undeleted_resources_need()
        with os.fdopen(options.report_to, "w") as pipe:
            json.dump({"gateway_port": gateway.getsockname()[1], "rekognition_url": rekognition.endpoint_url}, pipe)
        # Neither asyncio.run nor sys.exit: they wait for threads that wait an hour for a custom resource's response.
        asyncio.new_event_loop().run_until_complete(_serve(gateway, secret, until_input_ends=options.until_input_ends))
    sys.stdout.flush()
    os._exit(0)


async def _serve(gateway: socket.socket, secret: str, *, until_input_ends: bool) -> None:
    from hypercorn.asyncio import serve  # type: ignore[import-not-found,unused-ignore]
    from hypercorn.config import Config, Sockets  # type: ignore[import-not-found,unused-ignore]

    config = Config()
    # Not ministack's own main(): that accepts everybody, picks the port late, and as root takes 127.0.0.1:443 too.
    config.create_sockets = lambda: Sockets([gateway], [], [])
    config.certfile, config.keyfile = os.environ["MINISTACK_SSL_CERT"], os.environ["MINISTACK_SSL_KEY"]
    config.keep_alive_timeout = config.ssl_handshake_timeout = IDLE_SECONDS

    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.set_exception_handler(_report)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if until_input_ends:
        threading.Thread(target=_await_end_of_input, args=(loop, stop), daemon=True).start()

    application = ministack_hooks.application(secret, gateway.getsockname()[1])
    serving = loop.create_task(serve(application, config, shutdown_trigger=stop.wait))
    stopping = loop.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not stop.is_set():
        serving.result()  # raises what broke it
    # Nothing here is kept, so nothing is finished: hypercorn would wait for clients that keep their connections open.
    _end_even_if_stuck()
    await asyncio.to_thread(ministack_hooks.stop_functions)


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report what failed in the loop, except for a client that is closed for idling and doesn't shut its TLS down.

    hypercorn means to ignore it, and misses its TimeoutError (pgjones/hypercorn#202).
    """
    if not isinstance(context.get("exception"), (TimeoutError, ssl.SSLError)):
        loop.default_exception_handler(context)


def _await_end_of_input(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    loop.call_soon_threadsafe(stop.set)


def _end_even_if_stuck() -> None:
    # The launcher leads its own session: this ends it together with every function's process.
    timer = threading.Timer(_SECONDS_TO_STOP, os.killpg, (os.getpgrp(), signal.SIGKILL))
    timer.start()


if __name__ == "__main__":
    main()
