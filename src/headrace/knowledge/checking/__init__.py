"""Which sentences of a draft the passages support: figures, names, contraries, and a fitted chance."""
