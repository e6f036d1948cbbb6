"""boto3 clients that see nothing of the user's AWS configuration, so that nothing here reaches a real account."""

from __future__ import annotations

import functools
import os
import threading
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

_ANY_SECRET = "local"  # noqa: S105 - no signature of a root key is checked
_NOTHING = (None, None, os.devnull, None)
_NO_CONFIGURATION = {"profile": (None, None, None, None), "config_file": _NOTHING, "credentials_file": _NOTHING}
_LOCK = threading.Lock()  # sessions aren't made for several threads


def make_client(
    service: str,
    endpoint_url: str,
    account: str,
    region: str,
    config: Config | None = None,
    secret: str | None = None,
    verify: str | None = None,
    session_token: str | None = None,
) -> Any:  # noqa: ANN401 - the type depends on the service
    """Make a client of a local cloud, by an access key that is the account's id, or by another key and its token.

    It tries each request only once, unless the config says otherwise, uses no proxy, and sends the secret where the
    cloud asks for one (see `localcloud.peers`).
    """
    defaults = Config(retries={"total_max_attempts": 1}, proxies={}, user_agent_appid=secret)  # type: ignore[call-arg,unused-ignore]
    with _LOCK:
        return _session().client(  # type: ignore[call-overload]
            service,
            region_name=region,
            endpoint_url=endpoint_url,
            verify=verify,
            aws_access_key_id=account,
            aws_secret_access_key=_ANY_SECRET,
            aws_session_token=session_token,
            config=defaults.merge(config) if config else defaults,
        )


@functools.cache
def _session() -> boto3.Session:
    """Return the session of all clients: to make one, and read its services' models, takes longer than a whole test."""
    return boto3.Session(botocore_session=botocore.session.Session(session_vars=_NO_CONFIGURATION))
