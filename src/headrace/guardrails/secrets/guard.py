"""The guard ``secrets``: credentials."""

from __future__ import annotations

from headrace.guardrails import patterns, regex
from headrace.guardrails.patterns import PatternGuard
from headrace.guardrails.secrets import assigned, blocks, issuers, likeness, tokens
from headrace.guardrails.secrets.assigned import WAYS, Assigned
from headrace.guardrails.secrets.blocks import JsonWebTokens, KeyBlocks
from headrace.guardrails.secrets.issuers import ISSUERS
from headrace.guardrails.secrets.tokens import Tokens


def secrets() -> PatternGuard:
    """A new guard: what issuers document, key blocks, web tokens, and what stands behind a telling name."""
    recognisers = (*map(Tokens, ISSUERS), KeyBlocks(), JsonWebTokens(), *map(Assigned, WAYS))
    return PatternGuard("secrets", recognisers, (patterns, regex, assigned, blocks, issuers, likeness, tokens))
