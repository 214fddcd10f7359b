"""Which sentences of the found passages answer a question, and how sure that is."""
