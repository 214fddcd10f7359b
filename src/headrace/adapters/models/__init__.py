"""Drivers of the ChatModel port."""
