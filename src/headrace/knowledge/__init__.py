"""What is known: documents, passages, and what they say about a question."""
