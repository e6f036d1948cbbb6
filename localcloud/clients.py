"""boto3 sessions that see nothing of the user's AWS configuration, so that nothing here reaches a real account."""

from __future__ import annotations

import os
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

_ANY_SECRET = "local"  # noqa: S105 - no signature of a root key is checked
# Shared, since it keeps what it has read: reading a service model takes longer than a whole test.
_LOADER = Loader()
_ONCE = Config(retries={"total_max_attempts": 1}, proxies={})


class IsolatedSession:
    """Makes clients for one account and Region of a local cloud, by an access key that is the account's id."""

    def __init__(self, account: str, region: str, secret: str | None = None) -> None:
        nothing = (None, None, os.devnull, None)
        core = botocore.session.Session(
            session_vars={
                "profile": (None, None, None, None),
                "config_file": nothing,
                "credentials_file": nothing,
            }
        )
        core.register_component("data_loader", _LOADER)
        self._defaults = _ONCE.merge(Config(user_agent_appid=secret)) if secret else _ONCE  # type: ignore[call-arg,unused-ignore]
        self._session = boto3.Session(
            aws_access_key_id=account, aws_secret_access_key=_ANY_SECRET, region_name=region, botocore_session=core
        )

    def client(self, service: str, endpoint_url: str, config: Config | None = None, **options: Any) -> Any:  # noqa: ANN401
        """Make a client that tries each request only once, unless the config says otherwise, and uses no proxy."""
        merged = self._defaults.merge(config) if config else self._defaults
        return self._session.client(service, endpoint_url=endpoint_url, config=merged, **options)  # type: ignore[call-overload]


def isolated_session(account: str, region: str, secret: str | None = None) -> IsolatedSession:
    """Make a session for an account and Region of a local cloud; the secret is for one that asks for it."""
    return IsolatedSession(account, region, secret)
