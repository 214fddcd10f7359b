"""The OpenAI dialect: chat completions and embeddings, read and written."""
