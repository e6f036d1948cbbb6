"""Every time-out of the resource, in seconds, derived from one another so that an answer always comes first.

CloudFormation invokes the function asynchronously: Lambda may hold an event for MAXIMUM_EVENT_AGE, then the function
may run for FUNCTION_TIMEOUT, and only after both may CloudFormation give up, at SERVICE_TIMEOUT. An event whose
function ran out of time is older than MAXIMUM_EVENT_AGE by then, so that it is not tried again after it has failed.
"""

FUNCTION_TIMEOUT = 480
"""How long one invocation may run (AWS::Lambda::Function, Timeout; at most 900)."""

MAXIMUM_EVENT_AGE = 360
"""How long Lambda may keep an event to try it again (AWS::Lambda::EventInvokeConfig; 60 to 21600)."""

SERVICE_TIMEOUT = 900
"""How long CloudFormation waits for the answer (ServiceTimeout of a custom resource; 1 to 3600)."""

DEFAULT_SERVICE_TIMEOUT = 3600
"""How long CloudFormation waits where the template names no ServiceTimeout."""

CONNECT_TIMEOUT = 5
"""How long one connection to Rekognition may take to open."""

READ_TIMEOUT = 15
"""How long one call of Rekognition may go without a byte."""

ANSWER_TIMEOUT = 5
"""How long one step of sending the answer (connect, write, read) may take."""

ANSWER_RESERVE = 40
"""Kept back at the end of an invocation for sending the answer, its second and third try included."""

CALL_RESERVE = CONNECT_TIMEOUT + READ_TIMEOUT
"""No call of Rekognition begins when less than this is left before ANSWER_RESERVE begins."""

PERMISSION_PATIENCE = 30
"""How long AccessDenied is tried again: a permission deployed just before may not be visible yet (aws-cdk#37675)."""

PRINCIPAL_PATIENCE = 15
"""How long a refused principal is tried again: one made just before may not be known everywhere yet."""

LIST_LAG = 2
"""How long ListProjectPolicies is given to show a change; also the grain of a request's time, which is in seconds."""

OWN_WORK_TOLERANCE = 1
"""A policy made this long before the request's time, rounded to seconds, may still be the request's own work."""

OWN_WORK_GUESS = 900
"""How young a policy may be to pass as a request's own work where the request tells no time."""

LATE_CREATE_PATIENCE = 10
"""How long a Delete that overtook its own Create waits for the policy to appear."""

MADE_UP_ID_MARGIN = 60
"""Added to a Create's ServiceTimeout when its Delete comes with an id that CloudFormation made up."""

STALE_LOOK = 10
"""A look at the policies older than this is taken again before anything is changed."""
