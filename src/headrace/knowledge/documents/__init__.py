"""What is kept of documents: their stored texts, their places, and an inventory for those who look."""
