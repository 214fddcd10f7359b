"""What goes wrong between us and a provider of sign-ins, in our words: its own words may be anything, and are never shown."""

from __future__ import annotations

from typing import Final

from headrace.core.errors import Forbidden, HeadraceError, OperationFailed, Unauthenticated, Unavailable, UpstreamFailed

AGAIN: Final = "Sign in again."
_ASK: Final = "Ask whoever runs Headrace here; until then, a key opens the console too."

_SAID = {
    "access_denied": "Your provider did not let you in.",
    "login_required": "Your provider wants you to sign in there first.",
    "interaction_required": "Your provider wants you to sign in there first.",
    "consent_required": "Your provider wants you to agree there first.",
    "temporarily_unavailable": "Your provider is not available at the moment.",
    "server_error": "Your provider met a fault of its own.",
    "invalid_scope": "Your provider does not know the scopes that Headrace asks for.",
    "unauthorized_client": "Your provider does not let Headrace sign people in.",
}
"""OAuth's own error words, and what they mean to a person."""


def of_word(word: str) -> HeadraceError:
    """What the provider answered instead of a sign-in; `word` is the error's code and may be anything."""
    message = _SAID.get(word, "Your provider answered with an error.")
    return Forbidden(message, code="identity.provider_refused", mend=AGAIN if word in _SAID else _ASK)


def away(why: str) -> Unavailable:
    """The provider cannot be reached, or does not answer in time."""
    return Unavailable(f"Your provider {why}.", code="identity.provider_away", mend="Try again in a minute; a key opens the console too.")


def garbage(what: str) -> UpstreamFailed:
    """The provider answered, and not with what the protocol says. `what` is ours: which answer it was, and what is wrong with it."""
    return UpstreamFailed(f"Your provider's {what}.", code="identity.provider_garbage", mend=_ASK)


def of_exchange(word: str, status: int) -> HeadraceError:
    """The token endpoint refused. `word` is the error's code and may be anything."""
    if word == "invalid_grant":
        message = "This sign-in took too long, or was used before."
        return Unauthenticated(message, code="identity.sign_in_spent", mend=AGAIN)
    if word in {"invalid_client", "unauthorized_client"}:
        return UpstreamFailed("Your provider does not accept Headrace's client id or secret.", code="identity.client_refused", mend=_ASK)
    return garbage(f"token endpoint refused the sign-in (it says {status})")


def not_believed(why: str) -> Unauthenticated:
    """The token did not pass a check. `why` is a sentence of ours and names the check."""
    return Unauthenticated(f"Your provider's word was not believed: {why}.", code="identity.token_refused", mend=_ASK)


def no_secret(where: str) -> OperationFailed:
    """The client's secret is not where headrace.yaml says."""
    message = "Headrace's secret for the provider cannot be read."
    return OperationFailed(message, code="identity.no_secret", param=where, mend="Whoever runs Headrace must put it there.")
