"""Providers of OpenID Connect: what they publish, what they are asked, and what their tokens say."""
