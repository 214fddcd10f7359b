"""What happened: the recorder, records, the transparency log, receipts and the offline verifier."""
