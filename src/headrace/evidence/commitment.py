"""Salted commitments: a record says which text it is about without saying anything of the text."""

from headrace.evidence.verify.notes import commit

__all__ = ["commit"]
