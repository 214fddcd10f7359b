"""The console: pages for people, served by the gateway itself. `site` lists them and is the way in; `shield` says what every page obeys."""

from headrace.app.console.site import routes

__all__ = ["routes"]
