"""HTTP: the OpenAI dialect, health, metrics and proofs (`application` builds the app from a `gateway`; `errors` is the table to HTTP)."""
