"""For programs that ask an Activity Stream: signers for the usual HTTP libraries, and a small client.

    for_httpx.HawkAuth        httpx.Client(auth=HawkAuth(key_id, secret))
    for_requests.HawkAuth     requests.get(url, auth=HawkAuth(key_id, secret)), and clients that are built on requests
    for_aiohttp.HawkAuth      aiohttp.ClientSession(middlewares=[HawkAuth(key_id, secret)])
    stream.Stream             search, count, scan, changes, follow: no library of Elasticsearch's or OpenSearch's

Nothing of the server is loaded with it. Each module needs its library: `activity-stream[client]` has httpx,
`activity-stream[requests]` requests; aiohttp is always there.
"""
