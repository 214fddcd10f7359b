"""What may pass: detectors, the one door for text, masks, and the hold-back window of a stream."""
