"""One exchange with a client: reading a request strictly, who asks, running it, writing the response."""
