"""Which passages a question finds: by words and by meaning, fused."""
