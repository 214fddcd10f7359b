"""The embedder that is built here gives the vectors of its weights: quantising costs almost nothing."""

from __future__ import annotations

import base64

import numpy as np

from headrace.adapters.embedders.minilm import MiniLM
from tests.providers.engine import embedder

TEXT = "A release is taken back with one command; the service returns to the revision before within five seconds."
EXACT = (
    "rKVfl30hHyXqK8scd6lUrR0vwix2L4wu9ah3rfKV9qxAHFatWqwkJsWgHiJOqzsqfSZHrOWuDqJznhqs4KWGKhIc/Q2mJWQsAiZUK0EkfylYpKojkZ9eKQAj"
    "AaRCrUmpPQwYojYoFaCRqUAoBSKyKacYySxRrI4s8qnkqIyuZZwPLbCh8yqysDYpRq6GpLElqaDQqFWsIBvSLIMqsig5ri4quKErpiola6y6pCUrsRuxLPoj"
    "XaMeppUsDyhHroITzyVuKeCX+yNoK3IeMqRdqcGqsqy9JrIqLqkpI+8T/h3CpLQdaB5fLrGoHyyAJfekCC2ZKWIstqyXsL0mNzAAgNup563eqyKd+Cjpq9Mj"
    "2qHJorCk0BZqJb+pDiTRqWqsWijfLjagUikhKy6egqxhobksaKa3JK8oUiQznB+auSy7IUCiOSj1lE8nzqS+IH2tECarHImv+aUQJfOt4KxDqQMsIaWLKfst"
    "yCPmosCiQJCqKe+pZJ4ILPItPyquFD+rQyy7oXMcOKiwohEXDK23o1WcCKweKT+nISIUIJUryShcqMmso6xbLOYrQyeoJDWpRqTmqdqhEiiYoEgp5CsAAACc"
    "fqzBrzgnKqtBrLyvzjA4r7Anf6KZHxSq952Yo1Oe8CjGrHEkJC8DnXgcUy7UKayl9KXvK7Il56RarKorc65VrEiQ4idKqL8ZqCJKpJwsmov6pPmlwSEuliQo"
    "rCVQnaEgiiY5KgSnWSugHdyZXqwGoA6h/aggKgEqZKKLGsegOSYhKiEjPy0fqA8rkxb+oOGka6odJRyaU62Xr7Clkai8qJUmSqrvpbWaWLAxLRckzS52JLcl"
    "H6RZq1kqGawAgK0gM5FgLUkqVy8NJbmmnCMAIjmsdSUzIKio3SY/KUmmVafZobElC69Vr2OsoDCfrA0l7KJ+LB8r76FApM0p7BxMJ18ndR5MKoOo9yMkMK0p"
    "UJ2EKwQmviz3ok4ZHKuFqNyjfK6RqAWnUqZEKfworyk6KrWo1SowKH2nFKQMJhEi"
)
"""Its vector by the float32 weights (base64 of little-endian float16)."""


def test_quantised_vectors_are_those_of_the_exact_weights() -> None:
    exact = np.frombuffer(base64.b64decode(EXACT), dtype="<f2").astype(np.float32)
    minilm = MiniLM(embedder(), threads=1)
    try:
        cosine = float(minilm.embed([TEXT])[0] @ exact)
    finally:
        minilm.close()
    assert cosine > 0.985
