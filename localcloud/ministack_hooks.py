"""Everything of ministack that is reached into, in one place: most of it is private, and may move with a new version.

A name that has moved fails the start, or the first request that needs it. For the local cloud's own environment.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

from localcloud.peers import IDLE_SECONDS, rejection
from localcloud.project_type import PROPERTY_THAT_REPLACES, RESOURCE_TYPE, ProjectType
from localcloud.rekognition.authorization import (
    ALLOWED,
    Decision,
    Permission,
    Principal,
    ResourcePolicy,
    not_allowed_by_resource,
)
from localcloud.rekognition.errors import unrecognized_client

STACKS_ROUTE = "/_localcloud/stacks"

_MOST_BYTES = 32 * 2**20
"""How long a body may be: ministack keeps it in memory, and hears nobody else while it checks its signature."""
_MOST_BYTES_OF_RESPONSE = 2**16

_NOT_ALLOWED = Decision(allowed=False)

_log = logging.getLogger("localcloud.ministack")


def application(secret: str, port: int) -> Any:  # noqa: ANN401 - an ASGI application has no type of its own
    """Return ministack's gateway, an ASGI application that hears only clients whom `rejection` lets pass.

    It hears them out first: a body that is too long, or doesn't come, is rejected.
    """
    from ministack import app

    if not app.AUTH:
        raise RuntimeError("ministack does not enforce IAM: AUTH=true must be set before it is imported.")

    async def guarded(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - as above
        if scope["type"] == "lifespan":
            await app.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        # crhelper, which sends the response of a custom resource, is no SDK; the token in its path can't be guessed.
        # ministack takes only a PUT there for a response, and any other request for an AWS operation.
        is_response = scope.get("method") == "PUT" and scope["path"].startswith("/_ministack/cfn-response/")
        problem = rejection(headers, port, None if is_response else secret)
        if problem is not None:
            await _respond(scope, receive, send, 403, problem)
        elif scope["path"] == STACKS_ROUTE:
            await _respond(scope, receive, send, 200, json.dumps(stacks()))
        elif scope["type"] == "http":
            await _hear(scope, headers, receive, send, _MOST_BYTES_OF_RESPONSE if is_response else _MOST_BYTES)
        else:
            await app.app(scope, receive, send)

    return guarded


async def _hear(scope: Any, headers: dict[str, str], receive: Any, send: Any, most: int) -> None:  # noqa: ANN401 - as above
    """Hand a request to ministack once its whole body is here."""
    from ministack import app

    too_long = f"The body may have at most {most} bytes."
    if int(headers.get("content-length", "0")) > most:
        await _respond(scope, receive, send, 413, too_long)
        return
    try:
        whole = await asyncio.wait_for(_whole_body(receive, most), IDLE_SECONDS)
    except asyncio.TimeoutError:
        await _respond(scope, receive, send, 408, f"The whole body must come within {IDLE_SECONDS} seconds.")
        return
    if len(whole.get("body", b"")) > most:
        await _respond(scope, receive, send, 413, too_long)
        return
    received = iter([whole])

    async def again() -> Any:  # noqa: ANN401 - as above
        return next(received, None) or await receive()

    await app.app(scope, again, send)


async def _whole_body(receive: Any, most: int) -> dict[str, Any]:  # noqa: ANN401 - as above
    """Return a body in one message, cut off where it is too long; or the message that its client has gone."""
    body, more = bytearray(), True
    while more and len(body) <= most:
        message = await receive()
        if message["type"] == "http.disconnect":
            return dict(message)
        body += message["body"]
        more = message["more_body"]
    return {"type": "http.request", "body": bytes(body)}


async def _respond(scope: Any, receive: Any, send: Any, status: int, body: str) -> None:  # noqa: ANN401 - as above
    if scope["type"] == "http":
        rest = asyncio.ensure_future(_discard(receive))
        with suppress(OSError):  # of a client that goes on sending
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": body.encode()})
        await rest


async def _discard(receive: Any) -> None:  # noqa: ANN401 - as above
    """Take what is left of a request: otherwise hypercorn waits forever to hand it over, and doesn't close."""
    while (await receive())["type"] != "http.disconnect":
        pass


def stacks() -> list[tuple[str, str, str]]:
    """Return the account, Region and name of every stack that isn't deleted."""
    from ministack.services import cloudformation

    return [
        scope
        for scope, stack in list(cloudformation._stacks._data.items())
        if stack["StackStatus"] != "DELETE_COMPLETE"
    ]


def keep_what_undeleted_resources_need() -> None:
    """Keep what a resource depends on if it couldn't be deleted, as CloudFormation does, for the next DeleteStack.

    Otherwise the function behind a custom resource would be gone before its next Delete.
    """
    from ministack.services import cloudformation
    from ministack.services.cloudformation import stacks

    delete = stacks._delete_resource

    def delete_if_unneeded(kind: str, physical_id: str, properties: Any, stack_name: str, logical_id: str) -> Any:  # noqa: ANN401
        stack = cloudformation._stacks.get(stack_name) or {}
        resources = stack.get("_resources", {})
        failed = {name for name, each in resources.items() if each.get("ResourceStatus") == "DELETE_FAILED"}
        needed = stacks._with_dependencies(failed, stack.get("_template", {}).get("Resources", {}), set(resources))
        if stack.get("StackStatus") == "DELETE_IN_PROGRESS" and logical_id in needed - failed:
            raise RuntimeError("Resources that depend on it couldn't be deleted.")
        return delete(kind, physical_id, properties, stack_name, logical_id)

    stacks._delete_resource = delete_if_unneeded


def stop_functions() -> None:
    """End the processes in which Lambda functions run."""
    from ministack.core import lambda_runtime

    lambda_runtime.reset()


def register_project_type(project_type: ProjectType) -> None:
    """Teach ministack's CloudFormation the type AWS::Rekognition::Project."""
    from ministack.core.responses import get_account_id, get_region
    from ministack.services.cloudformation import provisioners

    def place() -> tuple[str, str]:
        return get_account_id(), get_region()

    provisioners._RESOURCE_HANDLERS[RESOURCE_TYPE] = {
        "create": lambda _logical_id, properties, _stack_name: project_type.create(*place(), properties),
        "update": lambda physical_id, _old, new, _stack_name: project_type.update(*place(), physical_id, new),
        "delete": lambda physical_id, _properties: project_type.delete(*place(), physical_id),
    }
    provisioners._REPLACING_PROPERTIES[RESOURCE_TYPE] = (PROPERTY_THAT_REPLACES,)


def date_response_urls(now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)) -> None:
    """Give the ResponseURL of a custom resource the time of its request, as CloudFormation does."""
    from ministack.services.cloudformation import custom_resource

    without_time = custom_resource._response_url

    def with_time(token: str) -> str:
        signature = secrets.token_hex(32)
        return f"{without_time(token)}?X-Amz-Date={now():%Y%m%dT%H%M%SZ}&X-Amz-Expires=7200&X-Amz-Signature={signature}"

    custom_resource._response_url = with_time


def name_roles_in_conditions() -> None:
    """Make aws:PrincipalArn the role of a session, as in IAM; in ministack it is the session's own ARN."""
    from ministack.core import iam_evaluator
    from ministack.services import iam

    with_sessions = iam_evaluator._resolve_condition_key

    def with_roles(key: str, context: Any) -> Any:  # noqa: ANN401 - a condition key's value is any JSON
        if key.lower() == "aws:principalarn" and context.principal_type == "AssumedRole":
            name = iam_evaluator._role_name_from_assumed_arn(context.principal_arn)
            role = iam._roles.get_scoped(context.principal_account, None, name)
            if role is not None:
                return role["Arn"]
        return with_sessions(key, context)

    iam_evaluator._resolve_condition_key = with_roles


class MinistackAuthorizer:
    """Finds the principal behind an access key, and decides by its policies, as ministack does for its own services."""

    def identify(self, access_key_id: str, session_token: str | None, region: str) -> Principal:
        """Find the root of an account (12 digits), an IAM user, or a session of a role."""
        from ministack.core import iam_evaluator
        from ministack.core.responses import request_scope

        account = _account_of(access_key_id)
        with request_scope(account, region):
            found = iam_evaluator.resolve_credential(access_key_id, account, session_token)
        if isinstance(found, iam_evaluator.CredentialResolutionError):
            raise unrecognized_client()
        return Principal(found.principal_arn, account, access_key_id=access_key_id)

    def decide(self, principal: Principal, permission: Permission, region: str) -> Decision:
        """Evaluate the principal's policies, its permissions boundary, its session's policies, and the resource's own.

        What can't be evaluated is denied.
        """
        from ministack.core import iam_evaluator
        from ministack.core.responses import request_scope

        with request_scope(principal.account, region):
            holder = iam_evaluator.resolve_principal(principal.access_key_id, principal.account)
            try:
                return _decision(holder, permission, region)
            except Exception:  # noqa: BLE001 - whatever a policy holds, it is no reason to allow
                _log.exception("The policies for %s could not be evaluated", permission)
                return _NOT_ALLOWED


def _decision(holder: Any, permission: Permission, region: str) -> Decision:  # noqa: ANN401 - ministack has no types
    from ministack.core import iam_evaluator

    context = iam_evaluator.EvalContext(
        principal_arn=holder.arn,
        principal_type=holder.type,
        principal_account=holder.account,
        action=permission.action,
        resource_arn=permission.resource,
        region=region,
        # The plain loopback stands for AWS's endpoints, which speak TLS only.
        secure_transport=True,
        service_context={"aws:tagkeys": None, **permission.context},
        principal_keys=holder.keys,
    )
    if holder.policies is None:
        identity = iam_evaluator.EvalResult("Allow", holder.arn)
    else:
        identity = iam_evaluator.evaluate(context, holder.policies, *holder.limits)
    result, service = identity, permission.action.partition(":")[0]
    own = _own_policy(service, permission)
    if own is not None:
        result = iam_evaluator.combine_resource_policy(
            identity,
            context,
            own.document,
            own.owner,
            required=service in iam_evaluator._POLICY_REQUIRED,
            limits=tuple(holder.limits),
        )
    if result.decision == "Allow":
        return ALLOWED
    if result.decision == "Deny":
        kind = "an identity-based" if result is identity else "a resource-based"
        return Decision(allowed=False, reason=f"with an explicit deny in {kind} policy")
    return _NOT_ALLOWED if result is identity else not_allowed_by_resource(permission.action)


def _own_policy(service: str, permission: Permission) -> ResourcePolicy | None:
    """Return the policy of a resource: the one Rekognition hands over, or the one of a bucket or key in ministack."""
    from ministack.core import iam_evaluator

    if permission.policy is not None:
        return permission.policy
    found = iam_evaluator._resource_policy(service, permission.resource)
    return None if found is None else ResourcePolicy(owner=found[1], document=found[0])


def _account_of(access_key_id: str) -> str:
    from ministack.core import iam_evaluator
    from ministack.core.responses import _account_from_sts_session

    if re.fullmatch(r"\d{12}", access_key_id):
        return access_key_id
    account = _account_from_sts_session(access_key_id) or iam_evaluator.find_iam_access_key_account(access_key_id)
    # ministack treats any other unknown key as the root of a default account; AWS rejects it.
    if account is None:
        raise unrecognized_client()
    return str(account)
