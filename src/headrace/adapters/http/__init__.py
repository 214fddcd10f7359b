"""Asking others over HTTP/1.1: the one client for models, whatever dialect they speak. No redirects, no cookies, no compression.

client = Client(Site.of(url), connections=64, within=120.0)
response = await client.ask(client.head("POST", path, headers), body)     raises Unreachable, BrokenOff, NotHttp, TimeoutError
try:
    while piece := await response.read(): ...                             as it comes; b"" is the end
finally:
    response.close()                                                      before its end: upstream is cut off
"""
