"""Answering over HTTP from an exported model, and handing the service to another machine.

    settings    what a service is told: where it listens, its limits, its token
    service     one picture in, one answer out: fetching, decoding, batches, overload
    decoding    the processes that decode: hostile bytes never reach a decoder in the server
    batching    requests that come together are answered together
    intake      bodies of requests, within their limits
    gate        who is answered; headers, log and figures of every answer
    app         the routes
    server      listening, and the end of it
    trying      one picture after another for the page and the terminal, with its evidence
    deploy      the folder that serves elsewhere, without the curator installed

No torch is imported here.
"""
