"""How Headrace's own processes talk on one machine: framed messages over a Unix socket (`client`, `server`)."""
