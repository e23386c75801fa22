"""Every error that a person may read.

    PlumblineError
    ├── ConfigurationError      the operator must change a setting, a file or a folder
    │   └── IndexMismatch       the index was made by another encoder or an older layout
    ├── RequestRejected         the caller must change the request
    │   ├── NotFound            the request names something that does not exist
    │   ├── NotAuthenticated    the request carries no key, or one that is not known
    │   ├── NotAllowed          the key is known, but its role may not do this
    │   ├── Conflict            what is there already stands against the request
    │   ├── TooLarge            the request has more bytes than it may
    │   ├── TooSlow             the request's body did not come in time
    │   ├── RateLimited         the caller has sent more than it may; later it may again
    │   └── ContextTooLong      the conversation does not fit the policy's context
    ├── NotReady                the server can't answer questions yet; try again later
    │   └── EncoderUnavailable  the encoder's server is unreachable, too slow or broken
    ├── Overloaded              the server has its hands full; try again later
    │   └── Stopping            the server is about to stop
    ├── TimedOut                the request took longer than a request may
    ├── PolicyUnavailable       the policy's server is unreachable, too slow or broken
    │   ├── PolicyUnreachable   no connection, or it broke
    │   ├── PolicyNotServed     it answers, but not under the name of this model or adapter
    │   └── PolicyTooSlow       no answer in time
    ├── JudgeUnavailable        a model that the judge asks is unreachable or answers something else
    ├── StorageFailed           the log could not make a row durable
    └── DocumentUnreadable      one file can't be read; the others are not concerned
        └── FormatUnsupported   no loader knows this kind of file

Inner code raises these and never speaks of HTTP; `server/errors.py` is the one place that turns
them into responses, `plumbline.py` the one that turns them into exit codes.
"""

from __future__ import annotations

from typing import Literal


class PlumblineError(Exception):
    """An error whose message is a plain sentence: what is wrong, and how to mend it."""

    code = "internal_error"

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.param = param


class ConfigurationError(PlumblineError):
    """The operator must change a setting, a file or a folder before this can work."""

    code = "configuration_error"


class IndexMismatch(ConfigurationError):
    """The index was made by another encoder, or by a version with another layout."""

    code = "index_mismatch"


class RequestRejected(PlumblineError):
    """The caller must change the request; `param` names the field."""

    code = "invalid_request"


class NotFound(RequestRejected):
    """The request names a model, collection, document or completion that does not exist."""

    code = "not_found"


class NotAuthenticated(RequestRejected):
    """The request carries no key, or one that is not in the keys file."""

    code = "invalid_api_key"


class NotAllowed(RequestRejected):
    """The caller is known, but its role may not do this."""

    code = "not_allowed"


class Conflict(RequestRejected):
    """What is there already stands against the request."""

    code = "conflict"


class TooLarge(RequestRejected):
    """The request has more bytes than it may."""

    code = "request_too_large"


class TooSlow(RequestRejected):
    """The body of the request did not come in time."""

    code = "body_timeout"


class RateLimited(RequestRejected):
    """The caller has used up its requests or tokens; after `seconds` it may go on."""

    code = "rate_limit_exceeded"

    def __init__(
        self,
        message: str,
        *,
        kind: Literal["requests", "tokens"] = "requests",
        seconds: float = 1.0,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.seconds = seconds


class ContextTooLong(RequestRejected):
    """The conversation does not fit the context of the policy."""

    code = "context_length_exceeded"


class NotReady(PlumblineError):
    """The server is up but can't answer questions yet (no index, no documents)."""

    code = "not_ready"


class EncoderUnavailable(NotReady):
    """The server of the encoder is unreachable, too slow, or answers what it should not."""

    code = "encoder_unavailable"


class Overloaded(PlumblineError):
    """As many requests are in flight as may be; nothing of this one was done."""

    code = "overloaded"


class Stopping(Overloaded):
    """The server takes no new requests, or cuts those off that it could not wait for."""

    code = "server_stopping"


class TimedOut(PlumblineError):
    """The request took longer than a request may, and was given up."""

    code = "timeout"


class PolicyUnavailable(PlumblineError):
    """The policy's server is unreachable, too slow, or answers what it should not."""

    code = "policy_unavailable"


class PolicyUnreachable(PolicyUnavailable):
    """There is no connection to the policy's server, or it broke."""


class PolicyNotServed(PolicyUnavailable):
    """The policy's server does not know the model or adapter that it was asked for."""


class PolicyTooSlow(PolicyUnavailable):
    """The policy's server did not answer in time; asking another one would take as long again."""


class JudgeUnavailable(PlumblineError):
    """A server that the judge asks is unreachable, or does not answer as asked; the judging failed."""

    code = "judge_unavailable"


class StorageFailed(PlumblineError):
    """A row could not be made durable; nothing that was acknowledged is lost."""

    code = "storage_failed"


class DocumentUnreadable(PlumblineError):
    """One file can't be read. The message is the reason that the ingest report shows."""

    code = "document_unreadable"


class FormatUnsupported(DocumentUnreadable):
    """No loader knows this kind of file."""

    code = "format_unsupported"
