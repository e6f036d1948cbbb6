"""The timeouts of a function behind a custom resource, in seconds, each derived so that a response comes first.

CloudFormation invokes the function asynchronously: Lambda may hold an event for MAXIMUM_EVENT_AGE, then the function
may run for FUNCTION_TIMEOUT, and only after both may CloudFormation give up, at SERVICE_TIMEOUT. An event whose
function timed out is older than MAXIMUM_EVENT_AGE by then, so Lambda doesn't retry it after it has failed. A resource
that waits has times of its own.
"""

FUNCTION_TIMEOUT = 480
"""How long one invocation may run (AWS::Lambda::Function, Timeout; at most 900)."""

MAXIMUM_EVENT_AGE = 360
"""How long Lambda may keep an event to retry it (AWS::Lambda::EventInvokeConfig; 60 to 21600)."""

SERVICE_TIMEOUT = 900
"""How long CloudFormation waits for the response (ServiceTimeout of a custom resource; 1 to 3600)."""

DEFAULT_SERVICE_TIMEOUT = 3600
"""How long CloudFormation waits if the template gives no ServiceTimeout."""

CLOCK_SKEW_SECONDS = 60
"""How far the clocks of CloudFormation, Lambda and a service may differ."""

RESPONSE_TIMEOUT = 5
"""How long one step of sending the response (connect, write, read) may take."""

RESPONSE_RESERVE = 40
"""Kept back at the end of an invocation for sending the response, its second and third try included."""

WAITING_RUN = 600
"""How long one run of a resource that waits lasts, before the next one goes on."""

WAITING_FUNCTION_TIMEOUT = 720
"""FUNCTION_TIMEOUT of a resource that waits: a run, and then time to hand over or to respond."""

WAITING_MAXIMUM_EVENT_AGE = 1800
"""MAXIMUM_EVENT_AGE of a resource that waits: a run that died is delivered twice more."""

WAITING_SERVICE_TIMEOUT = 3600
"""SERVICE_TIMEOUT of a resource that waits: the longest that CloudFormation allows."""
